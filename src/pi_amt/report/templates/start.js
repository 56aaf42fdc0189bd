/* Last: show what the address asks for. */
showEntry();
follow(false);
