// A MongoDB-compatible server for tests: FerretDB on SQLite files, on 127.0.0.1 only.
//
// It says "listening <port>" on standard output when it takes connections, and ends with SIGTERM or when its standard input is closed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	directory := flag.String("directory", "", "where the databases are, one SQLite file each")
	port := flag.Int("port", 0, "0 takes a free one")
	flag.Parse()
	if *directory == "" {
		log.Fatal("-directory is missing")
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// Whoever started this process holds the other end: it does not outlive them.
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()

	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: fmt.Sprintf("127.0.0.1:%d", *port)},
		Handler:   "sqlite",
		SQLiteURL: "file:" + *directory + "/",
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		log.Fatal(err)
	}
	uri, err := url.Parse(server.MongoDBURI())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening", uri.Port())
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
