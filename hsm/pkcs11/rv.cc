#include "hsm/pkcs11/rv.h"

#include <algorithm>
#include <array>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sealward::pkcs11 {
namespace {

constexpr absl::string_view kRvUrl = "type.sealward.dev/ck_rv";

struct Named {
  CK_RV rv;
  absl::string_view name;
};

constexpr Named kNames[] = {
    {CKR_OK, "CKR_OK"},
    {CKR_CANCEL, "CKR_CANCEL"},
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY"},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID"},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR"},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED"},
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD"},
    {CKR_NO_EVENT, "CKR_NO_EVENT"},
    {CKR_NEED_TO_CREATE_THREADS, "CKR_NEED_TO_CREATE_THREADS"},
    {CKR_CANT_LOCK, "CKR_CANT_LOCK"},
    {CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY"},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE"},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID"},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID"},
    {CKR_ACTION_PROHIBITED, "CKR_ACTION_PROHIBITED"},
    {CKR_DATA_INVALID, "CKR_DATA_INVALID"},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE"},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR"},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY"},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED"},
    {CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID"},
    {CKR_ENCRYPTED_DATA_LEN_RANGE, "CKR_ENCRYPTED_DATA_LEN_RANGE"},
    {CKR_FUNCTION_CANCELED, "CKR_FUNCTION_CANCELED"},
    {CKR_FUNCTION_NOT_PARALLEL, "CKR_FUNCTION_NOT_PARALLEL"},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED"},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID"},
    {CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE"},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT"},
    {CKR_KEY_NOT_NEEDED, "CKR_KEY_NOT_NEEDED"},
    {CKR_KEY_CHANGED, "CKR_KEY_CHANGED"},
    {CKR_KEY_NEEDED, "CKR_KEY_NEEDED"},
    {CKR_KEY_INDIGESTIBLE, "CKR_KEY_INDIGESTIBLE"},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED"},
    {CKR_KEY_NOT_WRAPPABLE, "CKR_KEY_NOT_WRAPPABLE"},
    {CKR_KEY_UNEXTRACTABLE, "CKR_KEY_UNEXTRACTABLE"},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID"},
    {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID"},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID"},
    {CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE"},
    {CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED"},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT"},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID"},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE"},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED"},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED"},
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED"},
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT"},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID"},
    {CKR_SESSION_PARALLEL_NOT_SUPPORTED, "CKR_SESSION_PARALLEL_NOT_SUPPORTED"},
    {CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY"},
    {CKR_SESSION_EXISTS, "CKR_SESSION_EXISTS"},
    {CKR_SESSION_READ_ONLY_EXISTS, "CKR_SESSION_READ_ONLY_EXISTS"},
    {CKR_SESSION_READ_WRITE_SO_EXISTS, "CKR_SESSION_READ_WRITE_SO_EXISTS"},
    {CKR_SIGNATURE_INVALID, "CKR_SIGNATURE_INVALID"},
    {CKR_SIGNATURE_LEN_RANGE, "CKR_SIGNATURE_LEN_RANGE"},
    {CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE"},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT"},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT"},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED"},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED"},
    {CKR_UNWRAPPING_KEY_SIZE_RANGE, "CKR_UNWRAPPING_KEY_SIZE_RANGE"},
    {CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, "CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT"},
    {CKR_USER_ALREADY_LOGGED_IN, "CKR_USER_ALREADY_LOGGED_IN"},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN"},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED"},
    {CKR_USER_TYPE_INVALID, "CKR_USER_TYPE_INVALID"},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN"},
    {CKR_USER_TOO_MANY_TYPES, "CKR_USER_TOO_MANY_TYPES"},
    {CKR_WRAPPED_KEY_INVALID, "CKR_WRAPPED_KEY_INVALID"},
    {CKR_WRAPPED_KEY_LEN_RANGE, "CKR_WRAPPED_KEY_LEN_RANGE"},
    {CKR_WRAPPING_KEY_HANDLE_INVALID, "CKR_WRAPPING_KEY_HANDLE_INVALID"},
    {CKR_WRAPPING_KEY_SIZE_RANGE, "CKR_WRAPPING_KEY_SIZE_RANGE"},
    {CKR_WRAPPING_KEY_TYPE_INCONSISTENT, "CKR_WRAPPING_KEY_TYPE_INCONSISTENT"},
    {CKR_RANDOM_SEED_NOT_SUPPORTED, "CKR_RANDOM_SEED_NOT_SUPPORTED"},
    {CKR_RANDOM_NO_RNG, "CKR_RANDOM_NO_RNG"},
    {CKR_DOMAIN_PARAMS_INVALID, "CKR_DOMAIN_PARAMS_INVALID"},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED"},
    {CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL"},
    {CKR_SAVED_STATE_INVALID, "CKR_SAVED_STATE_INVALID"},
    {CKR_INFORMATION_SENSITIVE, "CKR_INFORMATION_SENSITIVE"},
    {CKR_STATE_UNSAVEABLE, "CKR_STATE_UNSAVEABLE"},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED"},
    {CKR_CRYPTOKI_ALREADY_INITIALIZED, "CKR_CRYPTOKI_ALREADY_INITIALIZED"},
    {CKR_MUTEX_BAD, "CKR_MUTEX_BAD"},
    {CKR_MUTEX_NOT_LOCKED, "CKR_MUTEX_NOT_LOCKED"},
    {CKR_NEW_PIN_MODE, "CKR_NEW_PIN_MODE"},
    {CKR_NEXT_OTP, "CKR_NEXT_OTP"},
    {CKR_EXCEEDED_MAX_ITERATIONS, "CKR_EXCEEDED_MAX_ITERATIONS"},
    {CKR_FIPS_SELF_TEST_FAILED, "CKR_FIPS_SELF_TEST_FAILED"},
    {CKR_LIBRARY_LOAD_FAILED, "CKR_LIBRARY_LOAD_FAILED"},
    {CKR_PIN_TOO_WEAK, "CKR_PIN_TOO_WEAK"},
    {CKR_PUBLIC_KEY_INVALID, "CKR_PUBLIC_KEY_INVALID"},
    {CKR_FUNCTION_REJECTED, "CKR_FUNCTION_REJECTED"},
};

struct Coded {
  CK_RV rv;
  absl::StatusCode code;
};

// Everything else is INTERNAL.
constexpr Coded kCodes[] = {
    {CKR_HOST_MEMORY, absl::StatusCode::kResourceExhausted},
    {CKR_DEVICE_MEMORY, absl::StatusCode::kResourceExhausted},
    {CKR_SESSION_COUNT, absl::StatusCode::kResourceExhausted},
    {CKR_DEVICE_ERROR, absl::StatusCode::kUnavailable},
    {CKR_DEVICE_REMOVED, absl::StatusCode::kUnavailable},
    {CKR_SESSION_CLOSED, absl::StatusCode::kUnavailable},
    {CKR_SESSION_HANDLE_INVALID, absl::StatusCode::kUnavailable},
    {CKR_TOKEN_NOT_PRESENT, absl::StatusCode::kUnavailable},
    {CKR_TOKEN_NOT_RECOGNIZED, absl::StatusCode::kUnavailable},
    {CKR_USER_NOT_LOGGED_IN, absl::StatusCode::kUnavailable},
    {CKR_CRYPTOKI_NOT_INITIALIZED, absl::StatusCode::kUnavailable},
    {CKR_MECHANISM_INVALID, absl::StatusCode::kFailedPrecondition},
    {CKR_MECHANISM_PARAM_INVALID, absl::StatusCode::kFailedPrecondition},
    {CKR_CURVE_NOT_SUPPORTED, absl::StatusCode::kFailedPrecondition},
    {CKR_DOMAIN_PARAMS_INVALID, absl::StatusCode::kFailedPrecondition},
    {CKR_TEMPLATE_INCOMPLETE, absl::StatusCode::kFailedPrecondition},
    {CKR_TEMPLATE_INCONSISTENT, absl::StatusCode::kFailedPrecondition},
    {CKR_ATTRIBUTE_READ_ONLY, absl::StatusCode::kFailedPrecondition},
    {CKR_ATTRIBUTE_TYPE_INVALID, absl::StatusCode::kFailedPrecondition},
    {CKR_ATTRIBUTE_VALUE_INVALID, absl::StatusCode::kFailedPrecondition},
    {CKR_KEY_SIZE_RANGE, absl::StatusCode::kFailedPrecondition},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, absl::StatusCode::kFailedPrecondition},
    {CKR_FUNCTION_NOT_SUPPORTED, absl::StatusCode::kFailedPrecondition},
    {CKR_KEY_HANDLE_INVALID, absl::StatusCode::kNotFound},
    {CKR_OBJECT_HANDLE_INVALID, absl::StatusCode::kNotFound},
};

constexpr CK_RV kPinRefusals[] = {
    CKR_PIN_INCORRECT, CKR_PIN_INVALID,  CKR_PIN_LEN_RANGE,           CKR_PIN_EXPIRED,
    CKR_PIN_LOCKED,    CKR_PIN_TOO_WEAK, CKR_USER_PIN_NOT_INITIALIZED};

constexpr CK_RV kTokenLost[] = {CKR_DEVICE_ERROR,       CKR_DEVICE_REMOVED,
                                CKR_TOKEN_NOT_PRESENT,  CKR_TOKEN_NOT_RECOGNIZED,
                                CKR_SESSION_CLOSED,     CKR_SESSION_HANDLE_INVALID,
                                CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED};

constexpr CK_RV kExhausted[] = {CKR_HOST_MEMORY, CKR_DEVICE_MEMORY, CKR_SESSION_COUNT};

constexpr CK_RV kVague[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_FUNCTION_CANCELED};

}  // namespace

std::string RvName(CK_RV rv) {
  const auto* row = std::ranges::find(kNames, rv, &Named::rv);
  return row == std::end(kNames) ? absl::StrFormat("CKR_0x%x", rv) : std::string(row->name);
}

absl::Status RvStatus(CK_RV rv, absl::string_view what) {
  if (rv == CKR_OK) return absl::OkStatus();
  const auto* row = std::ranges::find(kCodes, rv, &Coded::rv);
  const auto code = IsPinRefusal(rv)          ? absl::StatusCode::kPermissionDenied
                    : row == std::end(kCodes) ? absl::StatusCode::kInternal
                                              : row->code;
  absl::Status status(code, absl::StrFormat("%s: %s (0x%x)", what, RvName(rv), rv));
  status.SetPayload(kRvUrl, absl::Cord(absl::StrCat(rv)));
  return status;
}

CK_RV RvOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRvUrl);
  uint64_t rv = CKR_OK;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &rv)) return CKR_OK;
  return rv;
}

bool IsPinRefusal(CK_RV rv) {
  return std::ranges::find(kPinRefusals, rv) != std::end(kPinRefusals);
}

bool IsStaleHandle(CK_RV rv) {
  return rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_KEY_HANDLE_INVALID;
}

bool IsTokenLost(CK_RV rv) { return std::ranges::find(kTokenLost, rv) != std::end(kTokenLost); }

bool IsExhausted(CK_RV rv) { return std::ranges::find(kExhausted, rv) != std::end(kExhausted); }

bool IsDoubtful(CK_RV rv) {
  return IsExhausted(rv) || (rv & CKR_VENDOR_DEFINED) != 0 ||
         std::ranges::find(kVague, rv) != std::end(kVague);
}

}  // namespace sealward::pkcs11
