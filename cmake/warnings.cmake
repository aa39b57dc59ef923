# Warnings are errors in our code; generated code (proto/) is exempt.
add_library(sealward_warnings INTERFACE)
target_compile_options(sealward_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align
  -Woverloaded-virtual -Wconversion -Wimplicit-fallthrough -Werror)
# Hardening that costs nothing measurable. Immediate binding (-z now) leaves no
# lazily resolved symbols: the resolver's stack frames would keep register
# contents of the signing code.
add_compile_options(-fstack-protector-strong -fno-omit-frame-pointer)
add_link_options(-Wl,-z,now -Wl,-z,relro)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT SEALWARD_SANITIZE)
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()
