// One GET after the other by Go's net/http, through a proxy spoken to over TLS.
// usage: fetch PROXY CA CERTIFICATE URL...; CERTIFICATE may be empty.
// Prints a line of JSON for each: status and body, or error.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"
)

type outcome struct {
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
	Error  string `json:"error,omitempty"`
}

func get(client *http.Client, url string) outcome {
	answer, err := client.Get(url)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	return outcome{Status: answer.StatusCode, Body: string(body)}
}

func main() {
	proxy, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ca, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(),
		ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	config.RootCAs.AppendCertsFromPEM(ca)
	if file := os.Args[3]; file != "" {
		pair, err := tls.LoadX509KeyPair(file, file)
		if err != nil {
			log.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	client := &http.Client{Timeout: 20 * time.Second,
		Transport: &http.Transport{
			Proxy: http.ProxyURL(proxy), TLSClientConfig: config}}
	out := json.NewEncoder(os.Stdout)
	for _, url := range os.Args[4:] {
		out.Encode(get(client, url))
	}
}
