// Exit code 0 if this Node has what oidc-provider 9 wants of it. Debian 12's Node 18 has not.
process.exit(URL.parse && require("node:crypto").hash ? 0 : 1);
