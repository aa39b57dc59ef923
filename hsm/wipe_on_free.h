// Memory that is given back holds nothing.
#ifndef SEALWARD_HSM_WIPE_ON_FREE_H_
#define SEALWARD_HSM_WIPE_ON_FREE_H_

namespace sealward::hsm {

// The program that links wipe_on_free.cc has a free and a realloc of its own, which
// overwrite a block before glibc gets it back. Every library of the process gets them,
// the PKCS#11 module and libcrypto included (dynamic symbols are looked up in the program
// first): what they forget to wipe was 40 bytes of an RSA key in each idle dump.
//
// Not mallopt(M_PERTURB): since glibc 2.26 a block that goes to the thread's cache, as
// nearly all do, is not filled by it. Not in a sanitizer build, which has an
// allocator of its own.
//
// Lets a test leave it out (common/measures.h); does nothing else. First in main.
void StartWipingOnFree();

}  // namespace sealward::hsm

#endif  // SEALWARD_HSM_WIPE_ON_FREE_H_
