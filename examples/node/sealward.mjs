// A small client of Sealward: a signing input in, its signature out.
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROTOS = [path.join(ROOT, "proto"), path.join(ROOT, "node_modules/google-proto-files")];
const TIMEOUT_MS = 10_000; // of each call
const MAX_AGE_MS = 60_000; // of an answer, should this clock be behind Sealward's
// A connection that a firewall forgot is noticed, instead of each call on it timing out.
const KEEPALIVE = { "grpc.keepalive_time_ms": 60_000, "grpc.keepalive_timeout_ms": 10_000 };

// No generated code: the .proto files are read when the program starts.
const definition = loadSync(
  ["sealward/v1/signing_service.proto", "google/rpc/status.proto",
    "google/rpc/error_details.proto"],
  { includeDirs: PROTOS, keepCase: true },
);
const { SigningService } = grpc.loadPackageDefinition(definition).sealward.v1;

// google.rpc.ErrorInfo of a refusal: its reason is for programs, the message for people.
export function errorInfo(error) {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const details = bytes ? definition["google.rpc.Status"].deserialize(bytes).details : [];
  const info = details.find(({ type_url }) => type_url.endsWith("/google.rpc.ErrorInfo"));
  return info ? definition["google.rpc.ErrorInfo"].deserialize(info.value) : {};
}

// The version that the header names does not sign any more: build the header anew.
export const isKidNotSigning = (error) => error.code === grpc.status.FAILED_PRECONDITION
  && errorInfo(error).reason === "KID_NOT_SIGNING";

// Signs with one key, as the client of a certificate.
export class Sealward {
  #client;
  #key;
  #signingKey;
  #refreshAt = 0;

  constructor({ target, tls, key }) {
    const pem = (name) => readFileSync(path.join(tls, name));
    // mTLS: who we are is in the certificate; there is no password or API token.
    this.#client = new SigningService(target, grpc.credentials.createSsl(
      pem("ca.pem"), pem("issuer.key"), pem("issuer.pem"),
    ), KEEPALIVE);
    this.#key = key;
  }

  #call(method, request) {
    return new Promise((resolve, reject) => {
      this.#client[method]({ key: this.#key, ...request }, { deadline: Date.now() + TIMEOUT_MS },
        (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  // {kid, jwk, …} of the version that signs now. The answer holds until refresh_time, a minute
  // at most: without the cache each JWT would cost two calls.
  async signingKey() {
    const now = Date.now();
    if (now >= this.#refreshAt) {
      this.#signingKey = await this.#call("GetSigningKey", {});
      const refreshAt = Number(this.#signingKey.refresh_time.seconds) * 1000;
      this.#refreshAt = Math.min(refreshAt, now + MAX_AGE_MS);
    }
    return this.#signingKey;
  }

  // What the cache knows is not so any more, whatever refresh_time said.
  forget() {
    this.#refreshAt = 0;
  }

  // The signature of BASE64URL(header) '.' BASE64URL(claims). Throws what isKidNotSigning
  // knows if an operator took the header's kid out.
  async signInput(signingInput) {
    const { jwt } = await this.#call("SignJwt", { signing_input: Buffer.from(signingInput) });
    return Buffer.from(jwt.slice(jwt.lastIndexOf(".") + 1), "base64url");
  }

  close() {
    this.#client.close();
  }
}
