# Outlives the process that started servers, and cleans up behind it: no server and no folder is
# left, even after kill -9 or a crash. It reads on its standard input what there is to keep:
#   watch PID SIGNAL | gone PID | container NAME | folder PATH | done PATH
# The end of the input is the end of that process. SIGNAL is how that server goes down fastest.
trap '' INT TERM HUP
servers= containers= folders=
nl='
'
while read -r word value signal; do
  case $word in
    watch) servers="$servers $value:$signal" ;;
    gone) kept=; for each in $servers; do [ "${each%%:*}" = "$value" ] || kept="$kept $each"; done; servers=$kept ;;
    container) containers="$containers $value" ;;
    folder) folders="$folders$nl$value" ;;
    done) kept=; IFS=$nl; for each in $folders; do [ "$each" = "$value" ] || kept="$kept$nl$each"; done; unset IFS; folders=$kept ;;
  esac
done
for each in $servers; do
  kill "-${each##*:}" "${each%%:*}"
  # A paused server takes no other signal before this one.
  kill -CONT "${each%%:*}"
done 2>/dev/null
for each in $servers; do
  tries=0
  while kill -0 "${each%%:*}" && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "${each%%:*}"
done 2>/dev/null
[ -z "$containers" ] || docker rm -f $containers >/dev/null 2>&1
IFS=$nl
for each in $folders; do rm -rf "$each"; done
