/* Last: show what the address and the filters, which a reload may keep, ask for. */
filterForest();
showEntry();
follow(false);
