# What tests of runs share.

# Waits until a command succeeds, a minute at most.
wait_for() {
    for _ in $(seq 3000); do
        if "$@"; then return 0; fi
        sleep 0.02
    done
    return 1
}

# Results without what a clock or the machine decides.
timeless() {
    sed -E 's/ (seconds|started|git|peak-rss-bytes|peak-rss-growth)="[^"]*"//g; s/^ *(seconds|started|git)="[^"]*"//; /<latency /d; /<resources/d' "$@"
}
