# A port nobody listens on just now, below those that the system gives to whoever asks for any: no connection takes it
# before the program it is for does. Sourced by scripts that start servers.
# shellcheck shell=bash
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}
