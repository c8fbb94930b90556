# Starts and stops the simulated App Store, a private PostgreSQL cluster and Vouch; sourced by scripts/demo and scripts/up.
# Needs $stack, a directory under .run/, to be set. Everything lives there under .run/ and ends with `stack_stop`, also on Ctrl-C.
# shellcheck shell=bash
stack=${stack:?}

# stack_build: the two programs, in the debug configuration that the tests use too.
stack_build() {
    echo 'Building (the first time takes about five minutes) …' >&2
    local product
    for product in vouch app-store-simulator; do
        if ! swift build --product "$product" >"$stack/build.log" 2>&1; then
            tail -n 40 "$stack/build.log" >&2
            return 1
        fi
    done
}

# wait_for_line FILE PREFIX PID: prints the URL of the first line that starts so; fails when the process ends first.
wait_for_line() {
    local line
    for _ in $(seq 300); do
        if line=$(grep -m 1 -- "^$2" "$1" 2>/dev/null); then
            echo "${line##* }"
            return
        fi
        kill -0 "$3" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$1" >&2
    return 1
}

# stack_start SIMULATOR_ADDRESS HTTP_ADDRESS OPERATOR_ADDRESS: sets store_url, vouch_url and the three keys.
stack_start() {
    local bin=.build/debug
    rm -rf "$stack/simulator"
    "$bin/app-store-simulator" serve --directory "$stack/simulator" --address "$1" >"$stack/simulator.log" 2>&1 &
    simulator_pid=$!
    store_url=$(wait_for_line "$stack/simulator.log" 'app-store-simulator listening on' "$simulator_pid")

    local server
    server=$(scripts/cluster start "$stack/postgres")
    psql "$server" -qXc 'DROP DATABASE IF EXISTS vouch WITH (FORCE)' 2>/dev/null
    psql "$server" -qXc 'CREATE DATABASE vouch'
    export VOUCH_DATABASE_URL="${server%/*}/vouch"
    export VOUCH_HTTP_ADDRESS=$2 VOUCH_OPERATOR_ADDRESS=$3
    export VOUCH_APP_BUNDLE_ID=com.example.app VOUCH_APP_APPLE_ID=1234567890
    export VOUCH_APP_ISSUER_ID=5c5bfb07-1d0c-4f0e-9a55-6d1f7e7a3b10 VOUCH_APP_KEY_ID=SIMULATOR1
    export VOUCH_APP_PRIVATE_KEY_FILE=$stack/simulator/AuthKey_SIMULATOR1.p8
    export VOUCH_APP_STORE_PRODUCTION_URL=$store_url/production VOUCH_APP_STORE_SANDBOX_URL=$store_url/sandbox
    export VOUCH_TRUSTED_ROOTS_FILE=$stack/simulator/root.pem
    export VOUCH_RECHECK_FIRST=PT1S
    "$bin/vouch" migrate >"$stack/migrate.log"
    # shellcheck disable=SC2034 # used by the scripts that source this
    {
        app_key=$("$bin/vouch" keys create --role app --name game-backend)
        device_key=$("$bin/vouch" keys create --role device --name app-on-phones)
        support_key=$("$bin/vouch" keys create --role support --name support-desk)
    }
    "$bin/vouch" serve >"$stack/vouch.log" 2>&1 &
    vouch_pid=$!
    # shellcheck disable=SC2034
    vouch_url=$(wait_for_line "$stack/vouch.log" 'vouch listening on' "$vouch_pid")
}

# stack_stop: ends what stack_start started, the service first.
stack_stop() {
    local pid
    for pid in ${vouch_pid-} ${simulator_pid-}; do
        kill -TERM "$pid" 2>/dev/null || continue
        for _ in $(seq 150); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
    done
    [ -d "$stack/postgres/" ] && scripts/cluster remove "$stack/postgres" >/dev/null
    true
}
