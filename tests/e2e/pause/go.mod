// The container that holds a pod's namespaces, in a cluster that can fetch none.
module execution-evidence-gate/tests/e2e/pause

go 1.26.0
