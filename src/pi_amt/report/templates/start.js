/* Last: show what the address asks for. */
showEntry(undefined, false);
follow(false);
