#!/bin/sh
# A command-line agent that reads AGENTS.md first, and writes into it what it found out.
#
#   battery run --target 'exec:examples/agents_md/agent.sh {verb}' --tasks examples/notes_tasks.json
#
# Yours asks a model where this one reads a handbook, which takes as many tokens as it has words.
set -eu
handbook=$(dirname "$0")/../handbook.txt
agents=$BATTERY_MEMORY/AGENTS.md
touch "$agents"

case $1 in
respond)
    # The task comes as JSON on standard input; `jq -r .spec.word` does the same.
    word=$(sed 's/.*"word": *"\([^"]*\)".*/\1/')
    line=$(sed -n "s/^- $word: line //p" "$agents")
    pages=${line:+${line}p}
    text=$(sed -n "${pages:-p}" "$handbook" | sed "/$word/q")
    tokens=$(echo "$text" | wc -w)
    if found=$(echo "$text" | grep "$word"); then
        echo "$word" >> "$BATTERY_MEMORY/trail"
        echo "{\"text\": \"$found\", \"usage\": {\"total_tokens\": $tokens}, \"turns\": 1}"
    else
        echo "{\"error\": \"no line has $word\", \"usage\": {\"total_tokens\": $tokens}, \"turns\": 1}"
    fi
    ;;
distill)
    # A line of progress, then what came of it. The outcomes are on standard input.
    echo "reading the trail"
    sort -u "$BATTERY_MEMORY/trail" | while read -r word; do
        echo "- $word: line $(grep -n -m 1 "$word" "$handbook" | cut -d: -f1)"
    done > "$agents"
    echo "AGENTS.md has $(wc -l < "$agents") lines"
    ;;
*)
    exit 64
    ;;
esac
