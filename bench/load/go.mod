// The load generator of `make bench`; standard library only.
module execution-evidence-gate/bench/load

go 1.26.0
