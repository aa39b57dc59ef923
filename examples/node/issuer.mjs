// An OpenID issuer, npm oidc-provider, that has no key: Sealward makes its signatures.
import { createPublicKey } from "node:crypto";
import { ExternalSigningKey, Provider } from "oidc-provider";
import { isKidNotSigning } from "./sealward.mjs";

// oidc-provider's own hook for keys that live elsewhere. It asks for kid and alg, builds the
// signing input, and has it signed.
class SealwardKey extends ExternalSigningKey {
  constructor(sealward, { kid, jwk }) {
    super();
    this.sealward = sealward;
    this.jwk = jwk;
    this.kid = kid;
    this.alg = jwk.alg;
  }

  keyObject() {
    return createPublicKey({ key: this.jwk, format: "jwk" });
  }

  sign(signingInput) {
    return this.sealward.signInput(signingInput);
  }

  // What oidc-provider writes into the next header. Not another algorithm: clients are
  // registered with theirs.
  async refresh() {
    const { kid, jwk } = await this.sealward.signingKey();
    if (jwk.alg !== this.alg) {
      throw new Error(`the key signs with ${jwk.alg} now, not ${this.alg}: start again`);
    }
    this.kid = kid;
  }
}

// Makes a method that builds a JWT ask first who signs now. If the kid is refused all the same,
// an operator took it out before refresh_time. It is part of what is signed, so the old input is
// of no use: the whole JWT is built anew, once.
function buildAnew(model, method, key) {
  const build = model.prototype[method];
  model.prototype[method] = async function built(...args) {
    await key.refresh();
    try {
      return await build.apply(this, args);
    } catch (error) {
      if (!isKidNotSigning(error)) throw error;
      key.sealward.forget();
      await key.refresh();
      return build.apply(this, args);
    }
  };
}

// `issuer` is the URL in Sealward's scope of the key, `jwksUri` where Sealward publishes it,
// `resource` the API for which access tokens are issued (their aud).
export async function createIssuer({ sealward, issuer, jwksUri, resource, client }) {
  const key = new SealwardKey(sealward, await sealward.signingKey());
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [{ ...client, id_token_signed_response_alg: key.alg }],
    clientDefaults: { id_token_signed_response_alg: key.alg },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ["for demonstration: give your own"] },
    features: {
      externalSigningSupport: { enabled: true, ack: "experimental-01" },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "read", accessTokenFormat: "jwt", accessTokenTTL: 300,
          jwt: { sign: { alg: key.alg } },
        }),
      },
    },
    // Seconds; no longer than the key's scope allows (max_jwt_lifetime).
    ttl: { IdToken: 300, AccessToken: 300, Grant: 3600, Session: 3600, Interaction: 600 },
    // Your login page goes here. This one believes that everybody is Alice.
    interactions: { url: (_, { uid }) => `/login/${uid}` },
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({
        accountId: oidc.session.accountId, clientId: oidc.client.clientId,
      });
      grant.addOIDCScope("openid");
      grant.addResourceScope(resource, "read");
      await grant.save();
      return grant;
    },
  });
  provider.on("server_error", (_, error) => console.error(error)); // clients are not told
  provider.proxy = true; // TLS ends at a proxy before it
  buildAnew(provider.IdToken, "issue", key);
  buildAnew(provider.AccessToken, "getValueAndPayload", key);
  buildAnew(provider.ClientCredentials, "getValueAndPayload", key);
  provider.use(async (ctx, next) => {
    if (ctx.path.startsWith("/login/")) {
      await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: "alice" } });
      ctx.respond = false;
      return;
    }
    await next();
    // oidc-provider's own JWKS has the key of its start. Validators need the next one, too,
    // before it signs: Sealward's has it.
    if (ctx.path === "/.well-known/openid-configuration") ctx.body.jwks_uri = jwksUri;
  });
  return provider;
}
