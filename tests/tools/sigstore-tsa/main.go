// The timestamp authority with a key in memory. Its own main always listens for metrics on port 2112, so that two of
// them could not run at once.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const (
	policy  = "1.3.6.1.4.1.57264.2"
	timeout = 30 * time.Second
)

func main() {
	port := flag.Int("port", 0, "where to listen on the loopback address")
	flag.Parse()

	for name, value := range map[string]any{
		"timestamp-signer":      "memory",
		"timestamp-signer-hash": "sha256",
		"default-policy-oid":    policy,
		"accepted-policy-oids":  []string{policy},
		"max-request-body-size": 1 << 20,
	} {
		viper.Set(name, value)
	}
	authority := server.NewRestAPIServer("127.0.0.1", *port, []string{"http"}, false, timeout, timeout)
	log.Fatal(authority.Serve())
}
