// A registry with the referrers API of OCI 1.1, in memory: what github.com/google/go-containerregistry serves.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "host and port")
	certificate := flag.String("tls-cert", "", "PEM certificate chain; plain HTTP without it")
	key := flag.String("tls-key", "", "PEM private key")
	username := flag.String("username", "", "whom Basic authentication lets in; everybody without it")
	password := flag.String("password", "", "the user's password")
	flag.Parse()

	served := registry.New(registry.WithReferrersSupport(true))
	guarded := http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		name, word, _ := request.BasicAuth()
		if *username != "" && (name != *username || word != *password) {
			response.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(response, "who are you?", http.StatusUnauthorized)
			return
		}
		served.ServeHTTP(response, request)
	})
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	if *certificate != "" {
		log.Fatal(http.ServeTLS(listener, guarded, *certificate, *key))
	}
	log.Fatal(http.Serve(listener, guarded))
}
