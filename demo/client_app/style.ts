// What the client's pages need beyond the style sheet of the login and consent app.
export const style = `
h2 { margin: 0; font-size: 1.0625rem; font-weight: 650; line-height: 1.3; display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .75rem; }
.good { background: var(--good-ground); color: var(--good); }
p.good { margin-top: .75rem; padding: .75rem 1rem; border-radius: .5rem; font-size: .9375rem; }
.badge { padding: .1rem .6rem; border-radius: 1rem; font: 600 .8125rem/1.5 var(--sans); margin: 0; }
dl { margin: 0; }
dd { margin: 0; }
.facts { margin-top: 1.75rem; border-top: 1px solid var(--line); font-size: .9375rem; }
.facts > div { display: flex; gap: 1rem; padding: .55rem 0; border-bottom: 1px solid var(--line); }
.facts dt { flex: 0 0 4.5rem; color: var(--soft); }
p.actions { margin-top: 1.25rem; }
.strip { height: 2.25rem; background: #0b2f35 url("../login_consent/mosaic.svg") left bottom / max(100%, 40rem) auto; }
@media (prefers-color-scheme: dark) { .strip { filter: brightness(.82) saturate(.92); } }
header, .wide { width: 100%; max-width: 76rem; margin-inline: auto; padding-inline: clamp(1.25rem, 4vw, 3rem); }
header { padding-block: 1.5rem 0; }
.wordmark small { color: var(--soft); font-weight: 400; font-size: .9375rem; letter-spacing: 0; margin-left: .25rem; }
.wide { padding-block: 2.5rem 4rem; }
.wide .lead { margin-top: .35rem; }
.wide > .actions { margin-top: 1.5rem; }
.panels { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); margin-top: 2rem; align-items: start; }
.panel { padding: 1.25rem 1.4rem; border: 1px solid var(--line); border-radius: .75rem; background: var(--surface); box-shadow: var(--shadow); min-width: 0; }
.panel dl { margin-top: .85rem; font-size: .9063rem; }
.panel dl > div { display: grid; grid-template-columns: minmax(5.5rem, 32%) 1fr; gap: .9rem; padding: .45rem 0; border-top: 1px solid var(--line); }
.panel dt { color: var(--soft); font: .8438rem/1.65 var(--mono); }
.wire { margin-top: 2.5rem; scroll-margin-top: 1.5rem; }
.wire > .small { margin: .25rem 0 1rem; }
details { border: 1px solid var(--line); background: var(--surface); }
details + details { border-top: 0; }
details:first-of-type { border-radius: .75rem .75rem 0 0; }
details:last-of-type { border-radius: 0 0 .75rem .75rem; }
details:only-of-type { border-radius: .75rem; }
summary { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; padding: .75rem 1.25rem; cursor: pointer; border-radius: inherit; }
summary:hover { background: var(--sunken); }
summary b { font-weight: 600; min-width: 10.5rem; }
summary code { color: var(--soft); flex: 1 1 12rem; }
.exchange { display: grid; gap: 1px; background: var(--line); border-top: 1px solid var(--line); }
@media (min-width: 56rem) { .wide .exchange:has(pre + pre) { grid-template-columns: 1fr 1fr; } }
pre {
  margin: 0; padding: 1rem 1.25rem; background: var(--sunken); min-width: 0; max-height: 26rem; overflow: auto;
  font: .8125rem/1.6 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere;
}
pre:focus-visible { outline-offset: -3px; }
`
