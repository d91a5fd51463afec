// A registry with the referrers API. Its main is ours: the published ones have no switch for that API.
module execution-evidence-gate/tests/tools/registry

go 1.26.0

require github.com/google/go-containerregistry v0.22.1

tool execution-evidence-gate/tests/tools/registry
