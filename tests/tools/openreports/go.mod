// The definition of Report (openreports.io/v1alpha1); nothing of it is built.
module execution-evidence-gate/tests/tools/openreports

go 1.26.1

require github.com/openreports/reports-api v0.2.1 // indirect
