// Command load posts one AdmissionReview again and again over kept TLS connections, as an API server under load
// does, and writes what it saw as one JSON object.
//
// HTTP/1.1 is written by hand: the request is prepared once and sent in one piece, so that the generator stays far
// below one core while the server fills another. Every request has a uid of its own, and every answer must allow
// that uid without a warning; anything else ends the run with exit code 1.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

const answerLimit = 1 << 20

type options struct {
	url     string
	ca      string
	body    string
	uid     string
	clients int
	warmUp  time.Duration
	window  time.Duration
}

// summary is what the program writes; times in milliseconds.
type summary struct {
	Requests  int     `json:"requests"`   // all, those of the warm-up included
	Measured  int     `json:"measured"`   // answered inside the window
	PerSecond float64 `json:"per_second"` // answers a second inside the window
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	Busy      float64 `json:"busy"` // processor time of this program over wall time
}

type answer struct {
	Response struct {
		UID      string   `json:"uid"`
		Allowed  bool     `json:"allowed"`
		Warnings []string `json:"warnings"`
	} `json:"response"`
}

// client is one connection and what it has measured.
type client struct {
	connection *tls.Conn
	reader     *bufio.Reader
	request    []byte
	place      []byte // where the uid stands inside request
	prefix     string
	requests   int
	latencies  []time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "", "where to post, with path and query")
	flag.StringVar(&o.ca, "ca", "", "PEM file of the authority that signed the server's certificate")
	flag.StringVar(&o.body, "body", "", "file that holds the AdmissionReview")
	flag.StringVar(&o.uid, "uid", "", "the uid in that file, 36 characters, to be replaced in each request")
	flag.IntVar(&o.clients, "clients", 8, "connections, each with one request under way")
	flag.DurationVar(&o.warmUp, "warm-up", 300*time.Millisecond, "time before the window")
	flag.DurationVar(&o.window, "window", 2*time.Second, "time that is measured")
	flag.Parse()
	result, err := run(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		os.Exit(1)
	}
}

func run(o options) (summary, error) {
	clients, err := connect(o)
	if err != nil {
		return summary{}, err
	}
	began, busy := time.Now(), processorTime()
	from := began.Add(o.warmUp)
	to := from.Add(o.window)
	failures := make([]error, len(clients))
	var group sync.WaitGroup
	for index, one := range clients {
		group.Go(func() { failures[index] = one.work(from, to) })
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return summary{}, err
	}
	share := float64(processorTime()-busy) / float64(time.Since(began))
	return summarise(clients, o.window, share), nil
}

// connect opens every connection, TLS included, before the clock starts.
func connect(o options) ([]*client, error) {
	target, err := url.Parse(o.url)
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(o.ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", o.ca)
	}
	body, err := os.ReadFile(o.body)
	if err != nil {
		return nil, err
	}
	if len(o.uid) != 36 || bytes.Count(body, []byte(o.uid)) != 1 {
		return nil, fmt.Errorf("the uid does not stand exactly once in %s", o.body)
	}
	run := make([]byte, 4)
	if _, err := rand.Read(run); err != nil {
		return nil, err
	}
	clients := make([]*client, o.clients)
	for index := range clients {
		connection, err := tls.Dial("tcp", target.Host, &tls.Config{RootCAs: roots})
		if err != nil {
			return nil, err
		}
		request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nContent-Length: %d\r\n"+
			"Accept: application/json, */*\r\nContent-Type: application/json\r\n\r\n",
			target.RequestURI(), target.Host, len(body))
		start := len(request) + bytes.Index(body, []byte(o.uid))
		request = append(request, body...)
		clients[index] = &client{
			connection: connection,
			reader:     bufio.NewReaderSize(connection, 16<<10),
			request:    request,
			place:      request[start : start+36],
			prefix:     fmt.Sprintf("%s-%04x-4000-8000-", hex.EncodeToString(run), index),
		}
	}
	return clients, nil
}

// work asks until the window has ended. What is answered inside the window counts.
func (c *client) work(from, to time.Time) error {
	for {
		began := time.Now()
		if began.After(to) {
			return nil
		}
		c.requests++
		uid := fmt.Sprintf("%s%012x", c.prefix, c.requests)
		copy(c.place, uid)
		body, err := c.ask()
		if err != nil {
			return err
		}
		ended := time.Now()
		if err := check(body, uid); err != nil {
			return err
		}
		if ended.After(from) && !ended.After(to) {
			c.latencies = append(c.latencies, ended.Sub(began))
		}
	}
}

func (c *client) ask() ([]byte, error) {
	if _, err := c.connection.Write(c.request); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || response.Close {
		return nil, fmt.Errorf("status %s, close %t: %.300s", response.Status, response.Close, body)
	}
	return body, nil
}

func check(body []byte, uid string) error {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("the answer is not JSON: %w", err)
	}
	if a.Response.UID != uid || !a.Response.Allowed || len(a.Response.Warnings) > 0 {
		return fmt.Errorf("uid %s is not plainly allowed: %.600s", uid, body)
	}
	return nil
}

func summarise(clients []*client, window time.Duration, busy float64) summary {
	result := summary{Busy: busy}
	var all []time.Duration
	for _, one := range clients {
		result.Requests += one.requests
		all = append(all, one.latencies...)
	}
	result.Measured = len(all)
	if len(all) == 0 {
		return result
	}
	slices.Sort(all)
	result.PerSecond = float64(len(all)) / window.Seconds()
	result.P50, result.P99 = nearestRank(all, 0.50), nearestRank(all, 0.99)
	result.Max = milliseconds(all[len(all)-1])
	return result
}

func nearestRank(sorted []time.Duration, share float64) float64 {
	return milliseconds(sorted[int(math.Ceil(share*float64(len(sorted))))-1])
}

func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
