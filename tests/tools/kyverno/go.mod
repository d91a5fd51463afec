// The definition of PolicyReport (wgpolicyk8s.io/v1alpha2), which Kyverno ships; nothing of it is built.
module execution-evidence-gate/tests/tools/kyverno

go 1.26.1

require github.com/kyverno/kyverno v1.19.1 // indirect
