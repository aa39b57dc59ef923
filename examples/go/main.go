// Signs a JWT with golang-jwt and a certificate request with crypto/x509, both with keys that stay
// in Sealward's HSM, and verifies them; once more for each line of input.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	pb "sealward.dev/examples/go/sealwardpb"
)

// What ./dev run makes; set others in the environment.
func env(name, value string) string {
	if set, ok := os.LookupEnv(name); ok {
		return set
	}
	return value
}

var (
	folder   = env("SEALWARD_TLS", ".state/tls")
	target   = env("SEALWARD_TARGET", "localhost:7443")
	keyName  = env("SEALWARD_KEY", "tenants/demo/keys/main")
	rawName  = env("SEALWARD_RAW_KEY", "tenants/demo/keys/documents")
	issuer   = env("ISSUER", "https://localhost:8443/tenants/demo/issuers/main")
	audience = env("AUDIENCE", "https://api.example")
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	service, err := Dial(target, folder)
	if err != nil {
		return err
	}
	jwts := NewKey(service, keyName)
	documents := NewKey(service, rawName)
	jwks, err := discover(ctx)
	if err != nil {
		return err
	}
	for input := bufio.NewScanner(os.Stdin); ; {
		if err := signJWT(ctx, jwts, jwks); err != nil {
			return fmt.Errorf("JWT: %w", err)
		}
		if err := signRequest(ctx, documents); err != nil {
			return fmt.Errorf("certificate request: %w", err)
		}
		fmt.Println("verified")
		if !input.Scan() {
			return input.Err()
		}
	}
}

// discover finds the keys as any validator does: by OpenID Connect discovery, over HTTPS.
func discover(ctx context.Context) (keyfunc.Keyfunc, error) {
	roots, err := Roots(folder)
	if err != nil {
		return nil, err
	}
	// The development CA, for the whole of this process; keyfunc fetches with it, too.
	http.DefaultTransport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	client := http.Client{Timeout: timeout}
	answer, err := client.Get(issuer + "/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Request.URL.String() + ": " + answer.Status)
	}
	var document struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&document); err != nil {
		return nil, err
	}
	return keyfunc.NewDefaultCtx(ctx, []string{document.JWKS})
}

func signJWT(ctx context.Context, key *Key, jwks keyfunc.Keyfunc) error {
	now := time.Now()
	signed, err := key.SignJWT(ctx, jwt.MapClaims{
		"iss": issuer, "aud": audience, "sub": "alice",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()})
	if err != nil {
		return err
	}
	// Never the header's own alg: a validator decides what it takes.
	token, err := jwt.Parse(signed, jwks.Keyfunc, jwt.WithValidMethods([]string{"ES256", "RS256"}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired())
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(token.Header)
}

// signRequest makes a PKCS#10 request (RFC 2986): what crypto/x509 does with any private key.
func signRequest(ctx context.Context, key *Key) error {
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "documents.example"}}
	der, err := WithSigningKey(ctx, key,
		func(_ context.Context, signing *pb.SigningKey) ([]byte, error) {
			signer, err := NewRawSigner(key, signing)
			if err != nil {
				return nil, err
			}
			return x509.CreateCertificateRequest(rand.Reader, template, signer)
		})
	if err != nil {
		return err
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	return request.CheckSignature()
}
