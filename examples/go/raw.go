package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"io"
	"math/big"

	pb "sealward.dev/examples/go/sealwardpb"
)

// RawSigner is a crypto.Signer, which is what Go's x509, TLS and CMS libraries take for a private
// key. One version of a key of purpose RAW: its public key cannot change under those who hold it.
type RawSigner struct {
	key     *Key
	signing *pb.SigningKey
}

var _ crypto.Signer = RawSigner{}

// NewRawSigner signs with the version that `signing` describes.
func NewRawSigner(key *Key, signing *pb.SigningKey) (RawSigner, error) {
	if signing.Jwk.Alg != "ES256" {
		return RawSigner{}, errors.New("this example takes keys of ES256, not " + signing.Jwk.Alg)
	}
	return RawSigner{key, signing}, nil
}

// Public is the public key, on P-256.
func (s RawSigner) Public() crypto.PublicKey {
	return &ecdsa.PublicKey{
		Curve: elliptic.P256(), X: coordinate(s.signing.Jwk.X), Y: coordinate(s.signing.Jwk.Y)}
}

func coordinate(text string) *big.Int {
	bytes, _ := base64.RawURLEncoding.DecodeString(text) // Sealward's JWKs are canonical
	return new(big.Int).SetBytes(bytes)
}

// Sign takes the digest that crypto/x509 has made. With the kid Sealward refuses to sign with
// another version than Public's. crypto.Signer has no context, so it has a deadline of its own.
func (s RawSigner) Sign(_ io.Reader, digest []byte, options crypto.SignerOpts) ([]byte, error) {
	if options.HashFunc() != crypto.SHA256 {
		return nil, errors.New("this example signs digests of SHA-256")
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	answer, err := s.key.service.SignRaw(ctx, &pb.SignRawRequest{
		Key: s.key.name, Kid: s.signing.Kid,
		Input:    &pb.SignRawRequest_Digest{Digest: digest},
		Encoding: pb.SignatureEncoding_SIGNATURE_ENCODING_DER, // as X.509 has it
	})
	if err != nil {
		return nil, err
	}
	return answer.Signature, nil
}
