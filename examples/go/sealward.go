package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	pb "sealward.dev/examples/go/sealwardpb"
)

const (
	timeout = 10 * time.Second // of each call
	maxAge  = time.Minute      // of an answer, should this clock be behind Sealward's
)

// A connection that a firewall forgot is noticed, instead of each call on it timing out.
var alive = keepalive.ClientParameters{Time: time.Minute, Timeout: timeout}

// Dial connects as the client of a certificate. mTLS says who we are; there is no password or
// API token.
func Dial(target, folder string) (pb.SigningServiceClient, error) {
	certificate, err := tls.LoadX509KeyPair(
		filepath.Join(folder, "issuer.pem"), filepath.Join(folder, "issuer.key"))
	if err != nil {
		return nil, err
	}
	roots, err := Roots(folder)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(credentials.NewTLS(
		&tls.Config{
			Certificates: []tls.Certificate{certificate}, RootCAs: roots, MinVersion: tls.VersionTLS13,
		})), grpc.WithKeepaliveParams(alive))
	if err != nil {
		return nil, err
	}
	return pb.NewSigningServiceClient(connection), nil
}

// Roots are the CAs that vouch for Sealward.
func Roots(folder string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca.pem has no certificate")
	}
	return roots, nil
}

// Key is a key of Sealward's. Safe for several goroutines.
type Key struct {
	service pb.SigningServiceClient
	name    string
	asking  chan struct{} // has room for the one goroutine that asks
	known   atomic.Pointer[known]
}

// known is an answer of GetSigningKey, and until when it holds.
type known struct {
	signing *pb.SigningKey
	until   time.Time
}

// NewKey is the key with this resource name.
func NewKey(service pb.SigningServiceClient, name string) *Key {
	return &Key{service: service, name: name, asking: make(chan struct{}, 1)}
}

// Signing says which version signs now. The answer holds until refresh_time, a minute at most:
// without the cache each JWT would cost two calls. One goroutine asks; others wait for it, no
// longer than for a call.
func (k *Key) Signing(ctx context.Context) (*pb.SigningKey, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if now := k.known.Load(); now.holds() {
		return now.signing, nil
	}
	select {
	case k.asking <- struct{}{}:
		defer func() { <-k.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if now := k.known.Load(); now.holds() { // another one asked meanwhile
		return now.signing, nil
	}
	until := time.Now().Add(maxAge)
	signing, err := k.service.GetSigningKey(ctx, &pb.GetSigningKeyRequest{Key: k.name})
	if err != nil {
		return nil, err
	}
	if refresh := signing.RefreshTime.AsTime(); refresh.Before(until) {
		until = refresh
	}
	k.known.Store(&known{signing, until})
	return signing, nil
}

func (k *known) holds() bool { return k != nil && time.Now().Before(k.until) }

// WithSigningKey has `build` make something that names the kid that signs now. If that kid is
// refused, an operator took the version out before refresh_time. What was built has the kid in
// it and is of no use: ask again, build anew, once.
func WithSigningKey[T any](ctx context.Context, k *Key,
	build func(context.Context, *pb.SigningKey) (T, error)) (T, error) {
	var none T
	signing, err := k.Signing(ctx)
	if err != nil {
		return none, err
	}
	built, err := build(ctx, signing)
	if !isKidNotSigning(err) {
		return built, err
	}
	k.forget(signing)
	if signing, err = k.Signing(ctx); err != nil {
		return none, err
	}
	return build(ctx, signing)
}

// forget drops what turned out not to be so, unless another goroutine has heard of another kid.
func (k *Key) forget(signing *pb.SigningKey) {
	if now := k.known.Load(); now != nil && now.signing.Kid == signing.Kid {
		k.known.CompareAndSwap(now, nil)
	}
}

// SignJWT has golang-jwt build header and signing input; only the signature is Sealward's.
func (k *Key) SignJWT(ctx context.Context, claims jwt.Claims) (string, error) {
	return WithSigningKey(ctx, k, func(ctx context.Context, signing *pb.SigningKey) (string, error) {
		token := jwt.NewWithClaims(jwt.GetSigningMethod(signing.Jwk.Alg), claims)
		token.Header["kid"] = signing.Kid
		input, err := token.SigningString()
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		answer, err := k.service.SignJwt(ctx, &pb.SignJwtRequest{
			Key: k.name, Payload: &pb.SignJwtRequest_SigningInput{SigningInput: []byte(input)}})
		if err != nil {
			return "", err
		}
		return answer.Jwt, nil
	})
}

// isKidNotSigning looks at google.rpc.ErrorInfo: its reason is for programs, the message for
// people.
func isKidNotSigning(err error) bool {
	failure, ok := status.FromError(err) // also where a library has wrapped it
	if !ok || failure.Code() != codes.FailedPrecondition {
		return false
	}
	for _, detail := range failure.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Reason == "KID_NOT_SIGNING" {
			return true
		}
	}
	return false
}
