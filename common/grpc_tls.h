// What a process settles about TLS before it speaks gRPC, for which gRPC 1.51 has no option.
#ifndef SEALWARD_COMMON_GRPC_TLS_H_
#define SEALWARD_COMMON_GRPC_TLS_H_

namespace sealward {

// Makes this process refuse TLS 1.2 in every gRPC connection: an environment variable
// that gRPC reads once. REQUIRES: called at the start of main, before any other thread
// and any use of gRPC.
void RequireTls13();

// OpenSSL frees its tables in an exit handler, while gRPC's threads, which nothing
// waits for, may be in the midst of a handshake: now and then a process crashes after
// its last line (grpc/grpc#38539). After this it keeps them to the end. Without effect
// where OpenSSL is in use already: call it first. Any thread; more than one call is one.
void KeepOpenSslForGrpc();

}  // namespace sealward

#endif  // SEALWARD_COMMON_GRPC_TLS_H_
