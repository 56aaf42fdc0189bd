/* Last: show what the address and the filters, which a reload may keep, ask for. */
const kept = $('[data-filter="dataset"] input:checked');
if (kept) chooseDataset(kept.value); else filterForest();
if ($("#order")) orderForest($("#order").value);
for (const box of $$("[data-more]")) showMore(box);
showEntry();
follow(false);
