package dev.sealward.example;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.jca.JCAContext;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import sealward.v1.SigningServiceGrpc;
import sealward.v1.SigningServiceOuterClass.GetSigningKeyRequest;
import sealward.v1.SigningServiceOuterClass.SignJwtRequest;
import sealward.v1.SigningServiceOuterClass.SigningKey;

/** A key of Sealward's. Nimbus builds header and signing input; only the signature is Sealward's. */
final class SealwardKey {
  private static final int TIMEOUT_S = 10; // of each call
  private static final int MAX_AGE_S = 60; // of an answer, should this clock be behind Sealward's

  /** An answer of GetSigningKey, and until when it holds. */
  private record Known(SigningKey signing, Instant until) {}

  private final SigningServiceGrpc.SigningServiceBlockingStub service;
  private final String name;
  private final ReentrantLock asking = new ReentrantLock();
  private final AtomicReference<Known> known = new AtomicReference<>();

  SealwardKey(Channel channel, String name) {
    this.service = SigningServiceGrpc.newBlockingStub(channel);
    this.name = name;
  }

  /** Signs, with the version that signs now. */
  SignedJWT sign(JWTClaimsSet claims) throws JOSEException {
    try {
      return build(claims);
    } catch (KidNotSigning refused) {
      // An operator took the version out before refresh_time. The kid is part of what is
      // signed, so the old input is of no use: ask again, build anew, once.
      forget(refused.kid);
      return build(claims);
    }
  }

  private SignedJWT build(JWTClaimsSet claims) throws JOSEException {
    SigningKey current = signingKey();
    JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.parse(current.getJwk().getAlg()))
        .type(JOSEObjectType.JWT).keyID(current.getKid()).build();
    SignedJWT jwt = new SignedJWT(header, claims);
    jwt.sign(new Signer(header.getAlgorithm()));
    return jwt;
  }

  /**
   * Who signs now. The answer holds until refresh_time, a minute at most: without the cache each
   * JWT would cost two calls. One thread asks; others wait for it, no longer than for a call.
   */
  private SigningKey signingKey() throws JOSEException {
    SigningKey held = held();
    if (held != null) {
      return held;
    }
    try {
      if (!asking.tryLock(TIMEOUT_S, TimeUnit.SECONDS)) {
        throw new JOSEException("Sealward does not say who signs with " + name);
      }
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new JOSEException("interrupted", error);
    }
    try {
      held = held(); // another thread may have asked meanwhile
      return held != null ? held : ask();
    } catch (StatusRuntimeException error) {
      throw new JOSEException(error.getMessage(), error);
    } finally {
      asking.unlock();
    }
  }

  private SigningKey held() {
    Known now = known.get();
    return now != null && Instant.now().isBefore(now.until) ? now.signing : null;
  }

  private SigningKey ask() {
    Instant most = Instant.now().plusSeconds(MAX_AGE_S);
    SigningKey answer =
        stub().getSigningKey(GetSigningKeyRequest.newBuilder().setKey(name).build());
    Instant refresh = Instant.ofEpochSecond(answer.getRefreshTime().getSeconds());
    known.set(new Known(answer, refresh.isBefore(most) ? refresh : most));
    return answer;
  }

  /** Drops what turned out not to be so, unless another thread has heard of another kid. */
  private void forget(String kid) {
    known.updateAndGet(now -> now != null && now.signing.getKid().equals(kid) ? null : now);
  }

  private SigningServiceGrpc.SigningServiceBlockingStub stub() {
    return service.withDeadlineAfter(TIMEOUT_S, TimeUnit.SECONDS);
  }

  /** The version with this kid does not sign any more. */
  private static final class KidNotSigning extends JOSEException {
    final String kid;

    KidNotSigning(String kid, Throwable cause) {
      super("not signing any more: " + kid, cause);
      this.kid = kid;
    }
  }

  /** What Nimbus takes for a private key. */
  private final class Signer implements JWSSigner {
    private final JCAContext context = new JCAContext();
    private final JWSAlgorithm algorithm;

    Signer(JWSAlgorithm algorithm) {
      this.algorithm = algorithm;
    }

    @Override
    public Base64URL sign(JWSHeader header, byte[] signingInput) throws JOSEException {
      try {
        String jwt = stub().signJwt(SignJwtRequest.newBuilder().setKey(name)
            .setSigningInput(ByteString.copyFrom(signingInput)).build()).getJwt();
        return new Base64URL(jwt.substring(jwt.lastIndexOf('.') + 1));
      } catch (StatusRuntimeException error) {
        if (error.getStatus().getCode() == Status.Code.FAILED_PRECONDITION
            && reason(error).equals("KID_NOT_SIGNING")) {
          throw new KidNotSigning(header.getKeyID(), error);
        }
        throw new JOSEException(error.getMessage(), error);
      }
    }

    @Override
    public Set<JWSAlgorithm> supportedJWSAlgorithms() {
      return Set.of(algorithm);
    }

    @Override
    public JCAContext getJCAContext() {
      return context; // nothing is computed here
    }
  }

  /** google.rpc.ErrorInfo of a refusal: its reason is for programs, the message for people. */
  private static String reason(StatusRuntimeException error) {
    for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class).getReason();
        }
      } catch (InvalidProtocolBufferException ignored) {
        return "";
      }
    }
    return "";
  }
}
