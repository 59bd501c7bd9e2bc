# Helpers for the engine scripts. Source this file, do not run it.
# shellcheck shell=bash

# shellcheck disable=SC2034 # the scripts that source this use it
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ENGINES_DIR="${ENGINES_DIR:-${TMPDIR:-/tmp}/proxmcp-engines}"
case "$ENGINES_DIR" in /*) ;; *) ENGINES_DIR="$PWD/$ENGINES_DIR";; esac   # daemons run in /
STATE="$ENGINES_DIR/state"     # keys, data, images
LOGS="$ENGINES_DIR/log"
PIDS="$ENGINES_DIR/pid"
FACTS="$ENGINES_DIR/facts"     # one JSON fragment per engine; up.sh joins them
export ENGINES_DIR DEBIAN_FRONTEND=noninteractive LC_ALL=C
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# The default path is guessable and lives in a folder that everybody may write to.
if [ -L "$ENGINES_DIR" ] || { [ -e "$ENGINES_DIR" ] && [ ! -O "$ENGINES_DIR" ]; }; then
  echo "$ENGINES_DIR belongs to somebody else; set ENGINES_DIR to another folder" >&2
  exit 1
fi
mkdir -p "$STATE" "$LOGS" "$PIDS" "$FACTS"

say() { echo "engines: $*" >&2; }

# ---------------------------------------------------------------- results

json_string() {
  local s="$1"
  s="${s//\\/\\\\}"; s="${s//\"/\\\"}"; s="${s//$'\t'/ }"; s="${s//$'\n'/ }"; s="${s//$'\r'/}"
  printf '"%s"' "$s"
}

# json_object KEY VALUE ... : values are strings, except "@raw" which is taken as JSON
json_object() {
  local sep=''
  printf '{'
  while [ $# -ge 2 ]; do
    printf '%s' "$sep"; json_string "$1"; printf ': '
    case "$2" in @*) printf '%s' "${2#@}";; *) json_string "$2";; esac
    sep=', '; shift 2
  done
  printf '}'
}

# publish ENGINE KEY VALUE ... : what the tests get to know about a running engine
publish() { local name="$1"; shift; json_object "$@" >"$FACTS/$name.json"; }

# skip WHY : this engine cannot run here. That is a result, not an error of the script.
skip() { json_object skipped "$*" >"$FACTS/$ENGINE.json"; echo "skipped: $*"; exit 0; }

# ---------------------------------------------------------------- can this machine do it?

require_root() {
  [ "$(uname -s)" = Linux ] || skip "needs Linux, this is $(uname -s)"
  [ "$(id -u)" = 0 ] || skip "needs root to start a daemon, and no running one answers"
}

require_container_host() {
  require_root
  grep -qE '^[^ ]+ [^ ]+ cgroup2? ' /proc/mounts || skip "no cgroup file system is mounted"
  unshare --mount true 2>/dev/null || skip "no right to create mount namespaces (CAP_SYS_ADMIN is missing)"
}

# apt_get ARGS... : once as it is, and once more after refreshing the package lists
apt_get() {
  command -v apt-get >/dev/null || return 1
  apt-get -o DPkg::Lock::Timeout=300 "$@" && return 0
  apt-get -o DPkg::Lock::Timeout=300 update && apt-get -o DPkg::Lock::Timeout=300 "$@"
}

# install COMMAND=PACKAGE ... : packages whose command is missing.
# Asking for the command leaves other vendors' builds (docker-ce, a snap) alone, and --no-remove protects everything else.
install_packages() {
  local pair missing=() policy=/usr/sbin/policy-rc.d rc=0
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || skip "missing ${missing[*]}, and there is no apt-get to install them"
  echo "installing ${missing[*]}"
  (
    # The packages would start daemons with their own settings; we want ours.
    if [ ! -e "$policy" ]; then
      trap 'rm -f "$policy"' EXIT
      printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"
    fi
    apt_get install -y --no-install-recommends --no-remove "${missing[@]}" >"$LOGS/apt.log" 2>&1 </dev/null
  ) || rc=$?
  [ $rc = 0 ] || skip "apt-get could not install ${missing[*]}: $(grep '^E:' "$LOGS/apt.log" | tail -n 1)"
  hash -r
}

# ---------------------------------------------------------------- processes

# wait_until SECONDS COMMAND... : poll ten times a second
wait_until() {
  local deadline=$(( SECONDS + $1 )); shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# comes_up NAME SECONDS COMMAND... : like wait_until for a daemon, but gives up at once when its process has ended
comes_up() {
  local name="$1" limit="$2"; shift 2
  wait_until "$limit" up_or_dead "$name" "$@" || true
  "$@" >/dev/null 2>&1
}
up_or_dead() { local name="$1"; shift; "$@" || ! is_running "$name"; }

# running NAME : prints the pid if the process we recorded under NAME still lives.
# The start time tells it from an unrelated process that got the same pid later, the link from another program.
running() {
  local pid started exe
  read -r pid started exe 2>/dev/null <"$PIDS/$1" || return 1
  [ "$(start_time "$pid")" = "$started" ] && [ "$(exe_of "$pid")" = "$exe" ] || return 1
  echo "$pid"
}
exe_of() { local p; p="$(readlink "/proc/$1/exe" 2>/dev/null)" || true; p="${p% (deleted)}"; echo "${p##*/}"; }
# field 22 of stat; the process name in field 2 may contain blanks, so cut behind its bracket. The boot id makes it unique over reboots.
start_time() {
  local stat fields
  stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 0
  read -ra fields <<<"${stat##*) }"
  echo "${fields[19]}@$(cut -c1-8 /proc/sys/kernel/random/boot_id)"
}
is_running() { running "$1" >/dev/null; }

# launch NAME PROGRAM ARGS... : own session, own log, and nothing reaches out: all web traffic but loopback goes to a closed port
launch() {
  local name="$1" prog pid; shift
  prog="$(command -v "$1")"; shift
  [ ! -s "$LOGS/$name.log" ] || mv -f "$LOGS/$name.log" "$LOGS/$name.log.old"
  (
    cd /
    export HTTP_PROXY=http://127.0.0.1:9 HTTPS_PROXY=http://127.0.0.1:9 http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
    export NO_PROXY=localhost,127.0.0.0/8,::1 no_proxy=localhost,127.0.0.0/8,::1
    exec setsid "$prog" "$@"
  ) >"$LOGS/$name.log" 2>&1 </dev/null &
  pid=$!
  # wait for the exec, so that the recorded program is the daemon and not this shell
  wait_until 5 exec_done "$pid" "$(basename "$(readlink -f "$prog")")" || true
  echo "$pid $(start_time "$pid") $(exe_of "$pid")" >"$PIDS/$name"
}
exec_done() { [ ! -d "/proc/$1" ] || [ "$(exe_of "$1")" = "$2" ]; }

# halt NAME SECONDS [SIGNAL] : ask, wait, then force
halt() {
  local pid
  if pid="$(running "$1")"; then
    kill "-${3:-TERM}" "$pid" 2>/dev/null || true
    wait_until "$2" gone "$1" || kill -KILL "$pid" 2>/dev/null || true
    wait_until 5 gone "$1" || true
  fi
  rm -f "$PIDS/$1"
}
gone() { ! is_running "$1"; }

# last_words NAME : the last log line, for a skip message
last_words() { grep -v '^[[:space:]]*$' "$LOGS/$1.log" 2>/dev/null | tail -n 1 | cut -c1-300; }

# pids_with TEXT : processes whose command line contains TEXT. Only used with a path that belongs to one of our engines.
pids_with() {
  local f pid line
  for f in /proc/[0-9]*/cmdline; do
    pid="${f#/proc/}"; pid="${pid%/cmdline}"
    [ "$pid" != "$$" ] || continue
    line="$(tr '\0' ' ' <"$f" 2>/dev/null)" || continue
    case "$line" in *"$1"*) echo "$pid";; esac
  done 2>/dev/null
}

children_of() { cat /proc/"$1"/task/*/children 2>/dev/null || true; }

# unmount_below DIR : deepest first. Lazy, because a killed daemon leaves busy mounts.
unmount_below() {
  local m
  awk -v d="$1/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | while read -r m; do
    umount -l "$(printf '%b' "$m")" 2>/dev/null || true
  done
}

# answers SOCKET PATH : does a daemon speak HTTP on this unix socket?
answers() { [ -S "$1" ] && curl -sf --noproxy '*' --max-time 5 --unix-socket "$1" "http://engine$2" >/dev/null 2>&1; }

# ---------------------------------------------------------------- certificates

new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes)

# self_signed FILE CN [EXTRA...] : FILE.crt and FILE.key, once
self_signed() {
  local file="$1" cn="$2"; shift 2
  [ -s "$file.crt" ] && [ -s "$file.key" ] && return 0
  mkdir -p "$(dirname "$file")"
  openssl req -x509 "${new_key[@]}" -sha384 -days 3650 -subj "/CN=$cn" "$@" -keyout "$file.key" -out "$file.crt" 2>/dev/null
  chmod 600 "$file.key"
}

fingerprint() { openssl x509 -in "$1" -outform der | sha256sum | cut -d' ' -f1; }
