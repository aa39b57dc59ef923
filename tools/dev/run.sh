# shellcheck shell=bash
# ./dev run: a development server in a state directory of its own. What it makes on
# first use is written so that a first use that was cut short is simply done again.

readonly DEFAULT_STATE=$ROOT/.state
readonly RUN_READY_S=60 # until the server must have reported ready
readonly SPIFFE=spiffe://sealward.test
readonly AUDIENCE=https://api.example

run() {
  ONCE='' STATE=$DEFAULT_STATE PORT_BASE=''
  parse_run "$@"
  setup build run
  build dev sealward_server sealward_hsm sealward_cli
  find_binaries
  mkdir -p "$STATE"
  chmod 0700 "$STATE"
  STATE=$(cd "$STATE" && pwd -P)
  lock_state
  prepare_state
  start_server
  check_hsm
  write_profiles
  create_demo
  local jwt
  jwt=$(sign_demo_jwt) || exit 1
  show_result "$jwt"
  if [[ -z $ONCE ]]; then wait_for_end; fi
}

parse_run() {
  while (($#)); do
    case $1 in
      --once) ONCE=1 ;;
      --state | --port-base)
        [[ -n ${2:-} ]] || die 2 "run: $1 needs a value"
        if [[ $1 == --state ]]; then STATE=$2; else PORT_BASE=$2; fi
        shift
        ;;
      *) die 2 "run: '$1' is not known; it takes --once, --state DIR, --port-base N" ;;
    esac
    shift
  done
  if [[ -n $PORT_BASE ]]; then
    if [[ ! $PORT_BASE =~ ^[1-9][0-9]{3,4}$ ]] || ((PORT_BASE < 1024 || PORT_BASE > 65532)); then
      die 2 "run: --port-base must be between 1024 and 65532, not '$PORT_BASE'"
    fi
  fi
}

find_binaries() {
  local bin=$BUILD_ROOT/dev/bin binary
  SERVER=$bin/sealward-server HSM=$bin/sealward-hsm CLI=$bin/sealward
  for binary in "$SERVER" "$HSM" "$CLI"; do
    [[ -x $binary ]] || die "the dev build made no $binary"
  done
}

# One ./dev run a state directory. The server does not inherit the lock.
lock_state() {
  exec 9>"$STATE/.lock"
  flock -n 9 || die 75 "another ./dev run uses $STATE: stop it, or choose another with --state DIR"
  local pid
  pid=$(ready pid 2>/dev/null || true)
  if [[ -n $pid && "$(readlink "/proc/$pid/exe" 2>/dev/null)" == */sealward-server* ]]; then
    die 75 "a server (pid $pid) already runs on $STATE: kill -TERM $pid stops it"
  fi
}

# ready FIELD: what the server wrote when it began to serve.
ready() { json_field "$1" <"$STATE/ready.json"; }

json_field() {
  node -e 'const v = JSON.parse(require("fs").readFileSync(0, "utf8"))[process.argv[1]];
    console.log(Array.isArray(v) ? v.join(" ") : v ?? "")' "$1"
}

prepare_state() {
  check_ports
  "$ROOT/tools/dev_ca.sh" "$STATE/tls"
  if [[ -e $STATE/store/sealward.db && ! -e $STATE/partition ]]; then
    die "$STATE has a store but no partition: its keys are gone. Put the partition back, or start anew with --state DIR"
  fi
  if [[ ! -e $STATE/partition ]]; then
    say "first use: creating a SoftHSM2 partition with a random PIN"
    rm -rf -- "$STATE/partition.new"
    quietly "$HSM" init --dir "$STATE/partition.new" --least-destroy-window-s 5 ||
      die "sealward-hsm could not create the partition"
    mv "$STATE/partition.new" "$STATE/partition"
  fi
  write_config
  if [[ ! -e $STATE/store/sealward.db ]]; then
    say "first use: creating the store with $SPIFFE/admin as its first admin"
    mkdir -p "$STATE/store"
    quietly "$SERVER" init --config "$STATE/server.toml" --admin "$SPIFFE/admin" ||
      die "sealward-server could not create the store"
  fi
}

# What a program says is shown only if it fails.
quietly() {
  local output code=0
  output=$("$@" 2>&1 </dev/null) || code=$?
  if ((code)); then printf '%s\n' "$output" >&2; fi
  return "$code"
}

# The listeners in the order of --port-base: signing, admin, https, metrics.
configured_ports() {
  if [[ -e $STATE/server.toml ]]; then
    sed -nE 's/^ *((signing|admin)_)?listen *= *"[^"]*:([0-9]+)".*/\3/p' "$STATE/server.toml"
  elif [[ -n $PORT_BASE ]]; then
    seq "$PORT_BASE" "$((PORT_BASE + 3))"
  else
    printf '%s\n' 7443 7444 8443 9443
  fi
}

check_ports() {
  mapfile -t PORTS < <(configured_ports)
  ((${#PORTS[@]} == 4)) || die 78 "$STATE/server.toml must name four listeners"
  if [[ -n $PORT_BASE && ${PORTS[0]} != "$PORT_BASE" ]]; then
    die 2 "$STATE was made with other ports (${PORTS[*]}), and the issuer's URL holds one: use --port-base with another --state DIR"
  fi
  local port
  for port in "${PORTS[@]}"; do
    if ((port)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      port_taken "$port"
    fi
  done
}

port_taken() {
  if [[ -e $STATE/server.toml ]]; then
    die 75 "port $1 is taken, and $STATE is bound to it: free it, or start a second state with --state DIR --port-base N"
  fi
  die 75 "port $1 is taken: choose four others in a row with --port-base N"
}

# server.toml from the template, once.
write_config() {
  local config=$STATE/server.toml
  if [[ -e $config ]]; then return; fi
  sed -e "s|@SIGNING_PORT@|${PORTS[0]}|" -e "s|@ADMIN_PORT@|${PORTS[1]}|" \
    -e "s|@HTTPS_PORT@|${PORTS[2]}|" -e "s|@METRICS_PORT@|${PORTS[3]}|" \
    "$ROOT/deploy/dev/server.toml" >"$config.new"
  mv "$config.new" "$config"
}

# A session of its own: Ctrl-C reaches this script alone, which then asks the server to
# stop, so that requests in flight finish.
start_server() {
  local log=$STATE/server.log i
  rm -f "$STATE/ready.json"
  trap stop_server EXIT
  trap 'exit 0' INT TERM HUP
  setsid "$SERVER" serve --config "$STATE/server.toml" --ready-file "$STATE/ready.json" \
    >"$log" 2>&1 </dev/null 9>&- &
  SERVER_PID=$!
  for ((i = 0; i < RUN_READY_S * 10; i++)); do
    [[ ! -e $STATE/ready.json ]] || return 0
    kill -0 "$SERVER_PID" 2>/dev/null || server_ended
    sleep 0.1
  done
  die "the server did not get ready within $RUN_READY_S s; its log: $log"
}

# The server ended by itself: its own last words, and its exit code as ours.
server_ended() {
  local code=0
  wait "$SERVER_PID" || code=$?
  SERVER_PID=''
  tail -3 "$STATE/server.log" >&2
  die "$((code ? code : 1))" "the server ended with code $code; its log: $STATE/server.log"
}

# The server publishes keys also while no signer is ready; a demo needs one.
check_hsm() {
  [[ "$(ready hsm_ready)" != true ]] || return 0
  local alarm
  alarm=$(ready hsm_alarm)
  grep -h '"program":"sealward-hsm"' "$STATE/server.log" | tail -1 >&2
  if [[ -e $STATE/partition/pin-latch ]]; then
    die 77 "the HSM refused the PIN. Once the PIN file is right: $HSM clear-pin-latch --dir $STATE/partition"
  fi
  die 69 "the HSM partition $STATE/partition is not usable: ${alarm:-see $STATE/server.log}"
}

stop_server() {
  local code=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [[ -n ${SERVER_PID:-} ]] && kill -TERM "$SERVER_PID" 2>/dev/null; then
    say "stopping the server"
    wait "$SERVER_PID" || say "the server ended with code $?"
  fi
  exit "$code"
}

# wait returns early when a trapped signal comes; the trap then ends the script.
wait_for_end() {
  say "serving until Ctrl-C; the log is $STATE/server.log"
  while kill -0 "$SERVER_PID" 2>/dev/null; do wait "$SERVER_PID" || break; done
  server_ended
}

write_profiles() {
  local name
  mkdir -p "$STATE/cli"
  for name in admin operator issuer viewer stranger; do
    cat >"$STATE/cli/$name.toml" <<TOML
# sealward --config: who to be ($name) and where. Written at every start.
server = "$(ready admin)"
signing_server = "$(ready signing)"
ca = "../tls/ca.pem"
cert = "../tls/$name.pem"
key = "../tls/$name.key"
TOML
  done
}

# cli WHO ARG…: the command line with the certificate of WHO.
cli() { "$CLI" --config "$STATE/cli/$1.toml" "${@:2}"; }

# ensure WHO KIND NAME CREATE-ARG…: creates what is not there yet.
ensure() {
  local who=$1 kind=$2 name=$3
  shift 3
  if cli "$who" "$kind" get "$name" >/dev/null 2>&1; then return; fi
  say "creating the ${kind%s} $name"
  cli "$who" "$kind" create "$name" "$@" >/dev/null || die "could not create the ${kind%s} $name"
}

create_demo() {
  ISSUER_URL=$(ready https)/tenants/demo/issuers/main
  ensure admin tenants demo --display-name "Demo"
  # 30 s instead of 20 min until a new version may sign, so that a rotation can be watched.
  ensure admin issuers demo/main --issuer-url "$ISSUER_URL" --max-age 30s --propagation-time 30s
  ensure admin bindings demo/operator --role operator --principal "$SPIFFE/operator"
  ensure admin bindings demo/issuer --role token-issuer --principal "$SPIFFE/issuer"
  ensure admin bindings demo/viewer --role viewer --principal "$SPIFFE/viewer"
  ensure operator keys demo/main --issuer main --algorithm ES256 --audience "$AUDIENCE"
}

# A script that prints fresh claims, for the next commands to try.
write_claims_script() {
  cat >"$STATE/cli/claims.sh" <<SH
# Claims for a JWT of the demo issuer that lives ten minutes. Written at every start.
now=\$(date +%s)
printf '{"iss":"%s","aud":"%s","sub":"alice","iat":%d,"exp":%d}\n' \\
  "$ISSUER_URL" "$AUDIENCE" "\$now" "\$((now + 600))"
SH
}

sign_demo_jwt() {
  write_claims_script
  sh "$STATE/cli/claims.sh" | cli issuer jwt sign demo/main --claims - ||
    die "could not sign a JWT"
}

show_result() {
  local jwt=$1 verdict flags
  mapfile -t flags < <(node_flags)
  verdict=$(NODE_EXTRA_CA_CERTS=$STATE/tls/ca.pem node "${flags[@]}" \
    "$ROOT/tools/verify_jwt.mjs" --issuer "$ISSUER_URL" --audience "$AUDIENCE" <<<"$jwt") ||
    die "the independent validator (npm jose) did not accept the JWT"
  say "signed in the HSM, and accepted by an independent validator (npm jose) over HTTPS:"
  printf '\n%s\n\n' "$jwt"
  printf 'JWKS: %s\n\n' "$(json_field jwks_uri <<<"$verdict")"
  if [[ -z $ONCE ]]; then next_commands; fi
}

next_commands() {
  cat <<TEXT
Next, in another terminal:
  S=$STATE
  alias sealward=$CLI
  sh \$S/cli/claims.sh | sealward --config \$S/cli/issuer.toml jwt sign demo/main --claims -
  curl --cacert \$S/tls/ca.pem $ISSUER_URL/jwks.json
  sealward --config \$S/cli/operator.toml keys rotate demo/main
  sealward --config \$S/cli/operator.toml keys versions demo/main
  sealward --config \$S/cli/admin.toml status
README.md goes on from there.
TEXT
}

# clean --state: only what ./dev run made in its default place.
remove_state() {
  if [[ -e $DEFAULT_STATE ]]; then
    STATE=$DEFAULT_STATE
    lock_state
    say "removing $DEFAULT_STATE with its keys"
    rm -rf -- "$DEFAULT_STATE"
  fi
}
