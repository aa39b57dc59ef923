package dev.sealward.example;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Instant;
import java.util.Date;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/** Signs a JWT with Nimbus and verifies it with Nimbus; once more for each line of input. */
public final class Main {
  // What ./dev run makes; set others in the environment.
  private static final String TLS = env("SEALWARD_TLS", ".state/tls");
  private static final String TARGET = env("SEALWARD_TARGET", "localhost:7443");
  private static final String KEY = env("SEALWARD_KEY", "tenants/demo/keys/main");
  private static final String ISSUER =
      env("ISSUER", "https://localhost:8443/tenants/demo/issuers/main");
  private static final String AUDIENCE = env("AUDIENCE", "https://api.example");
  // Never the header's own alg: a validator decides what it takes.
  private static final Set<JWSAlgorithm> ALGORITHMS =
      Set.of(JWSAlgorithm.ES256, JWSAlgorithm.RS256);
  private static final int TIMEOUT_MS = 10_000;
  private static final int MAX_BYTES = 100_000; // of a JWKS

  private static String env(String name, String value) {
    return System.getenv().getOrDefault(name, value);
  }

  public static void main(String[] arguments) throws Exception {
    // mTLS: who we are is in the certificate; there is no password or API token.
    ManagedChannel channel = Grpc.newChannelBuilder(TARGET, TlsChannelCredentials.newBuilder()
        .keyManager(new File(TLS, "issuer.pem"), new File(TLS, "issuer.key"))
        .trustManager(new File(TLS, "ca.pem")).build())
        // A connection that a firewall forgot is noticed, instead of each call on it timing out.
        .keepAliveTime(1, TimeUnit.MINUTES).keepAliveTimeout(10, TimeUnit.SECONDS).build();
    try {
      SealwardKey key = new SealwardKey(channel, KEY);
      DefaultJWTProcessor<SecurityContext> validator = validator();
      BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
      do {
        SignedJWT jwt = key.sign(claims());
        validator.process(jwt.serialize(), null);
        System.out.println(jwt.getHeader());
        System.out.println("verified");
      } while (input.readLine() != null);
    } finally {
      channel.shutdownNow();
    }
  }

  private static JWTClaimsSet claims() {
    Instant now = Instant.now();
    return new JWTClaimsSet.Builder().issuer(ISSUER).audience(AUDIENCE).subject("alice")
        .issueTime(Date.from(now)).expirationTime(Date.from(now.plusSeconds(300))).build();
  }

  /** Finds the keys as any validator does: by OpenID Connect discovery, over HTTPS. */
  private static DefaultJWTProcessor<SecurityContext> validator() throws Exception {
    DefaultResourceRetriever https = new DefaultResourceRetriever(
        TIMEOUT_MS, TIMEOUT_MS, MAX_BYTES, true, developmentCa());
    String document = https.retrieveResource(
        new URL(ISSUER + "/.well-known/openid-configuration")).getContent();
    URL jwks = new URL(JSONObjectUtils.getString(JSONObjectUtils.parse(document), "jwks_uri"));
    DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(
        ALGORITHMS, JWKSourceBuilder.<SecurityContext>create(jwks, https).build()));
    processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(
        AUDIENCE, new JWTClaimsSet.Builder().issuer(ISSUER).build(), Set.of("exp")));
    return processor;
  }

  private static SSLSocketFactory developmentCa() throws Exception {
    KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
    trusted.load(null, null);
    try (InputStream pem = new FileInputStream(new File(TLS, "ca.pem"))) {
      trusted.setCertificateEntry("development",
          CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context.getSocketFactory();
  }

  private Main() {}
}
