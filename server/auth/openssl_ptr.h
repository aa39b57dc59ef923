// Owners of OpenSSL's objects. Private to server/auth.
#ifndef SEALWARD_SERVER_AUTH_OPENSSL_PTR_H_
#define SEALWARD_SERVER_AUTH_OPENSSL_PTR_H_

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sealward::auth {

template <auto kFree>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

inline void FreeCertificates(STACK_OF(X509) * certificates) {
  sk_X509_pop_free(certificates, X509_free);
}

using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<GENERAL_NAMES_free>>;
using X509StackPtr = std::unique_ptr<STACK_OF(X509), OpensslDeleter<FreeCertificates>>;
using X509StorePtr = std::unique_ptr<X509_STORE, OpensslDeleter<X509_STORE_free>>;
using X509StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslDeleter<X509_STORE_CTX_free>>;

}  // namespace sealward::auth

#endif  // SEALWARD_SERVER_AUTH_OPENSSL_PTR_H_
