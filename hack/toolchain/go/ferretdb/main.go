// Command ferretdb serves the MongoDB protocol from a Postgres database, with SCRAM authentication always on.
//
// It stands in for MongoDB's server where that cannot be had. FerretDB's own command is not built from its module: it panics without a
// version file that only its release process generates. What this one adds: the root user is created idempotently (FerretDB's setup loses it
// when killed half way), and createUser and updateUser accept roles. Roles are NOT enforced: whoever is authenticated may do everything.
// The patch beside this file has FerretDB find documents by _id through the index it makes for that.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/FerretDB/wire"

	"github.com/FerretDB/FerretDB/internal/backends"
	"github.com/FerretDB/FerretDB/internal/backends/postgresql"
	"github.com/FerretDB/FerretDB/internal/bson"
	"github.com/FerretDB/FerretDB/internal/clientconn"
	"github.com/FerretDB/FerretDB/internal/clientconn/conninfo"
	"github.com/FerretDB/FerretDB/internal/clientconn/connmetrics"
	"github.com/FerretDB/FerretDB/internal/handler"
	"github.com/FerretDB/FerretDB/internal/handler/registry"
	"github.com/FerretDB/FerretDB/internal/handler/users"
	"github.com/FerretDB/FerretDB/internal/types"
	"github.com/FerretDB/FerretDB/internal/util/password"
	"github.com/FerretDB/FerretDB/internal/util/state"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:27017", "TCP address to serve on")
	postgresURL := flag.String("postgres-url", "", "URL of the Postgres database that holds the data")
	rootUsername := flag.String("root-username", "root", "user created in the database admin; password from the environment variable ROOT_PASSWORD")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	slog.SetDefault(logger)
	if err := serve(ctx, logger, *listen, *postgresURL, *rootUsername, os.Getenv("ROOT_PASSWORD")); err != nil {
		logger.Error("ferretdb failed", "error", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, logger *slog.Logger, listen, postgresURL, rootUsername, rootPassword string) error {
	if rootPassword == "" {
		return fmt.Errorf("ROOT_PASSWORD is not set")
	}
	provider, err := stateWithoutTelemetry()
	if err != nil {
		return err
	}
	if err := ensureRootUser(ctx, provider, postgresURL, rootUsername, rootPassword); err != nil {
		return fmt.Errorf("creating the root user: %w", err)
	}
	metrics := connmetrics.NewListenerMetrics()
	h, closeBackend, err := registry.NewHandler("postgresql", &registry.NewHandlerOpts{
		Logger:        logger,
		ConnMetrics:   metrics.ConnMetrics,
		StateProvider: provider,
		TCPHost:       listen,
		PostgreSQLURL: postgresURL,
		TestOpts: registry.TestOpts{
			CappedCleanupInterval:   time.Minute,
			CappedCleanupPercentage: 10,
			EnableNewAuth:           true,
			BatchSize:               100,
			MaxBsonObjectSizeBytes:  16 * 1024 * 1024,
		},
	})
	if err != nil {
		return err
	}
	defer closeBackend()
	acceptRoles(h)

	l, err := clientconn.Listen(&clientconn.NewListenerOpts{
		TCP:     listen,
		Mode:    clientconn.NormalMode,
		Metrics: metrics,
		Handler: h,
		Logger:  logger,
	})
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s\n", l.TCPAddr())
	l.Run(ctx)
	return nil
}

func stateWithoutTelemetry() (*state.Provider, error) {
	provider, err := state.NewProvider("")
	if err != nil {
		return nil, err
	}
	return provider, provider.Update(func(s *state.State) {
		s.DisableTelemetry()
		s.TelemetryLocked = true
	})
}

// ensureRootUser waits until Postgres answers, then inserts the user; one that exists is kept, with its password, as mongo's image does.
func ensureRootUser(ctx context.Context, provider *state.Provider, url, username, secret string) error {
	// What goes wrong in here is expected (Postgres is still starting, the user exists) or returned.
	quiet := slog.New(slog.DiscardHandler)
	backend, err := postgresql.NewBackend(&postgresql.NewBackendParams{URI: url, L: quiet, P: provider, BatchSize: 100})
	if err != nil {
		return err
	}
	defer backend.Close()

	info := conninfo.New()
	info.SetBypassBackendAuth()
	ctx, cancel := context.WithTimeout(conninfo.Ctx(ctx, info), time.Minute)
	defer cancel()

	for {
		_, err = backend.Status(ctx, nil)
		if err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
	err = users.CreateUser(ctx, backend, &users.CreateUserParams{
		Database: "admin",
		Username: username,
		Password: password.WrapPassword(secret),
	})
	if backends.ErrorCodeIs(err, backends.ErrorCodeInsertDuplicateID) {
		return nil
	}
	return err
}

// acceptRoles drops the roles from createUser and updateUser, which FerretDB 1 refuses unless the list is empty.
func acceptRoles(h *handler.Handler) {
	for _, name := range []string{"createUser", "updateUser"} {
		command := h.Commands()[name]
		next := command.Handler
		command.Handler = func(ctx context.Context, msg *wire.OpMsg) (*wire.OpMsg, error) {
			document, err := bson.ToDocument(msg.RawSection0())
			if err != nil {
				return nil, err
			}
			if document.Has("roles") {
				document.Set("roles", types.MakeArray(0))
			}
			raw, err := bson.FromDocument(document)
			if err != nil {
				return nil, err
			}
			if msg, err = wire.NewOpMsg(raw); err != nil {
				return nil, err
			}
			return next(ctx, msg)
		}
	}
}
