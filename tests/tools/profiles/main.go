// Writes real profiles of itself: of work, of idleness, of the heap, of goroutines; and the first one as OpenTelemetry has it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sort"
	"strings"
	"time"

	"github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pprofile"
)

var kept [][]byte

func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

// Small enough for the compiler to inline it.
func step(state uint32) uint32 { return state*1664525 + 1013904223 }

func noise(rounds int) uint32 {
	state := uint32(1)
	for range rounds {
		state = step(state) ^ state>>7
	}
	return state
}

//go:noinline
func encode() int {
	words := strings.Fields(strings.Repeat("cart total price item ", 400))
	sort.Strings(words)
	text, err := json.Marshal(words)
	if err != nil {
		log.Fatal(err)
	}
	kept = append(kept[max(0, len(kept)-8):], text)
	return len(text)
}

//go:noinline
func work(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		fibonacci(20)
		noise(1000000)
		encode()
	}
}

//go:noinline
func idle(length time.Duration) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); {
		<-ticker.C
	}
}

func write(path string, content func(*os.File) error) {
	file, err := os.Create(path)
	if err == nil {
		err = content(file)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		log.Fatal(err)
	}
}

func cpu(path string, run func(time.Duration), length time.Duration) {
	write(path, func(file *os.File) error {
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		pprof.Do(context.Background(), pprof.Labels("replica", "a"), func(context.Context) { run(length / 2) })
		run(length / 2)
		pprof.StopCPUProfile()
		return nil
	})
}

func main() {
	out := flag.String("out", ".", "folder")
	length := flag.Duration("length", 3*time.Second, "how long each CPU profile runs")
	flag.Parse()
	runtime.MemProfileRate = 4096
	in := func(name string) string { return filepath.Join(*out, name) }
	cpu(in("cpu.pb.gz"), work, *length)
	cpu(in("idle.pb.gz"), idle, *length)
	runtime.GC()
	go idle(time.Hour)
	time.Sleep(100 * time.Millisecond)
	for _, kind := range []string{"heap", "goroutine"} {
		write(in(kind+".pb.gz"), func(file *os.File) error { return pprof.Lookup(kind).WriteTo(file, 0) })
	}
	content, err := os.ReadFile(in("cpu.pb.gz"))
	if err != nil {
		log.Fatal(err)
	}
	read, err := profile.ParseData(content)
	if err != nil {
		log.Fatal(err)
	}
	data := convert(read)
	message, err := (&pprofile.ProtoMarshaler{}).MarshalProfiles(data)
	if err != nil {
		log.Fatal(err)
	}
	text, err := (&pprofile.JSONMarshaler{}).MarshalProfiles(data)
	if err != nil {
		log.Fatal(err)
	}
	for name, content := range map[string][]byte{"cpu.otlp": message, "cpu.otlp.json": text} {
		if err := os.WriteFile(in(name), content, 0o600); err != nil {
			log.Fatal(err)
		}
	}
}
