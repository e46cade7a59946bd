// The style sheet: one for light and dark, wide and narrow.
export const style = `
:root {
  color-scheme: light dark;
  --page: #faf7f2;
  --surface: #fff;
  --sunken: #f3eee6;
  --ink: #1c2528;
  --soft: #56646a;
  --line: #ddd5c8;
  --field: #8a8f8f;
  --accent: #11626a;
  --accent-strong: #0b4d54;
  --on-accent: #fff;
  --ring: #c2512f;
  --alert: #a3311b;
  --alert-ground: #fdece6;
  --good: #1c6b3c;
  --good-ground: #e5f3e9;
  --shadow: 0 1px 2px rgb(28 37 40 / 6%), 0 8px 24px rgb(28 37 40 / 6%);
  --sans: -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Open Sans", "Noto Sans", system-ui, sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12181a;
    --surface: #1a2225;
    --sunken: #20292c;
    --ink: #ece7de;
    --soft: #a5b0b3;
    --line: #313c40;
    --field: #6d7a7f;
    --accent: #6cc3c8;
    --accent-strong: #8fd6da;
    --on-accent: #08292d;
    --ring: #f0a17f;
    --alert: #ffb4a0;
    --alert-ground: #3a2019;
    --good: #8fd6a6;
    --good-ground: #17301f;
    --shadow: 0 1px 2px rgb(0 0 0 / 30%), 0 8px 24px rgb(0 0 0 / 25%);
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  background: var(--page);
  color: var(--ink);
  font: 400 1rem/1.55 var(--sans);
  overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.75rem; font-weight: 650; line-height: 1.2; letter-spacing: -.018em; text-wrap: balance; }
p { margin: 0; }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px; }
a:hover { color: var(--accent-strong); }
code { font: .9em var(--mono); }
.wordmark {
  display: flex; align-items: center; gap: .6rem;
  font-size: 1.2rem; font-weight: 650; letter-spacing: -.01em;
}
.mark { width: 1.75rem; height: 1.75rem; }
.lead { color: var(--soft); }
.lead strong { color: var(--ink); font-weight: 600; }
.small { color: var(--soft); font-size: .875rem; }
.small b { color: var(--ink); font-weight: 600; }

/* The frame: the mosaic beside the page where there is room, above it where there is not. */
body:has(> .art) { display: grid; grid-template-rows: 6rem 1fr; }
.art { background: #0b2f35 url("mosaic.svg") left bottom / max(100%, 34rem) auto; }
body:has(> .art) > main {
  width: 100%; max-width: 29rem; margin-inline: auto; padding: 2rem 1.5rem 3rem;
  display: flex; flex-direction: column; gap: .5rem;
}
main > .wordmark { margin-bottom: 1.75rem; }
@media (min-width: 56rem) {
  body:has(> .art) { grid-template: 1fr / minmax(20rem, 42%) 1fr; }
  .art { background-size: cover; }
  body:has(> .art) > main { align-self: center; padding: 3rem; max-width: 33rem; }
  h1 { font-size: 2rem; }
}
@media (prefers-color-scheme: dark) { .art { filter: brightness(.82) saturate(.92); } }

/* Forms. */
.stack { display: flex; flex-direction: column; gap: 1.15rem; margin-top: 1.25rem; }
.field { display: flex; flex-direction: column; gap: .35rem; }
.field label { font-weight: 600; font-size: .9375rem; }
.field input {
  width: 100%; min-height: 2.9rem; padding: .6rem .85rem; border: 1px solid var(--field); border-radius: .5rem;
  background: var(--surface); color: inherit; font: inherit;
}
.field input[aria-invalid] { border-color: var(--alert); }
.check { display: flex; align-items: center; gap: .6rem; min-height: 1.75rem; width: fit-content; cursor: pointer; }
input[type=checkbox] { flex: none; width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--accent); cursor: inherit; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: .35rem; }
button, .button {
  display: inline-flex; align-items: center; justify-content: center; min-height: 2.9rem; padding: .55rem 1.4rem;
  border: 1px solid transparent; border-radius: .5rem; background: none; color: inherit;
  font: 600 1rem/1.2 var(--sans); text-decoration: none; cursor: pointer; transition: background-color .12s, border-color .12s;
}
.primary { background: var(--accent); color: var(--on-accent); }
.primary:hover { background: var(--accent-strong); color: var(--on-accent); }
.secondary { border-color: var(--field); background: var(--surface); color: var(--ink); }
.secondary:hover { border-color: var(--accent); color: var(--ink); }
.quiet { color: var(--soft); }
.quiet:hover { color: var(--ink); background: var(--sunken); }
.actions > .primary, .actions > .secondary { flex: 1 1 9rem; }
:focus-visible { outline: 3px solid var(--ring); outline-offset: 2px; }
.field input:focus-visible { outline-offset: 0; border-color: transparent; }
.alert, .notice { padding: .75rem 1rem; border-radius: .5rem; font-size: .9375rem; }
.alert { margin-top: .75rem; background: var(--alert-ground); color: var(--alert); }
.notice { margin-top: 1.5rem; background: var(--sunken); color: var(--soft); }

/* Consent. */
.client { margin-bottom: .5rem; display: flex; align-items: center; gap: 1rem; }
.monogram {
  flex: none; display: grid; place-items: center; width: 3.25rem; height: 3.25rem; border-radius: .6rem;
  background: var(--accent); color: var(--on-accent); font-size: 1.5rem; font-weight: 650;
}
.scopes { margin: 0; padding: 0; border: 0; min-width: 0; }
.scopes legend { padding: 0; margin-bottom: .6rem; font-weight: 600; }
.scope {
  display: flex; gap: .85rem; padding: .8rem 1rem; border: 1px solid var(--line); background: var(--surface); cursor: pointer;
}
.scope + .scope { border-top: 0; }
.scope:first-of-type { border-radius: .6rem .6rem 0 0; }
.scope:last-of-type { border-radius: 0 0 .6rem .6rem; }
.scope:only-of-type { border-radius: .6rem; }
.scope:hover { background: var(--sunken); }
.scope:has(:disabled) { cursor: default; background: var(--surface); }
.scope input { margin-top: .2rem; }
.scope b { display: block; font-weight: 600; line-height: 1.4; }
.scope small { display: block; color: var(--soft); font-size: .875rem; line-height: 1.45; }
.audience { font-size: .9375rem; }
.audience ul { margin: .35rem 0 0; padding-left: 1.2rem; }
form + .small { margin-top: 1rem; }

@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
@media (forced-colors: active) { .art { display: none; } .primary, .quiet { border-color: ButtonText; } }
`
