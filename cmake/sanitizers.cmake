# SEALWARD_SANITIZE is a list; "fuzzer" instruments every target for coverage
# and links libFuzzer into the fuzz targets only (tests/fuzz).
if(SEALWARD_SANITIZE)
  set(flags ${SEALWARD_SANITIZE})
  list(TRANSFORM flags REPLACE "^fuzzer$" "fuzzer-no-link")
  list(JOIN flags "," flags)
  add_compile_options(-fsanitize=${flags} -fno-sanitize-recover=all -O1 -g1)
  add_link_options(-fsanitize=${flags})
  add_compile_definitions(SEALWARD_SANITIZED=1)
endif()
