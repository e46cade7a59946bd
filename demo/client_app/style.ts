// What the client's pages need beyond the style sheet of the login and consent app.
import { sequence } from '../login_consent/mosaic.js'

/** A border of tiles that can be laid end to end: three rows, the middle one in bright colours. */
function drawStrip(): string {
  const numbers = sequence()
  const next = () => numbers.next().value
  const rows = [
    ['#155058', '#1a5f67', '#1d6c73', '#12464e'],
    ['#e3ac4f', '#efe5d3', '#d9694a', '#efe5d3'],
    ['#1d6c73', '#227a80', '#155058', '#1a5f67'],
  ]
  const tiles = rows.flatMap((colours, row) =>
    Array.from({ length: 32 }, (_, column) => {
      const colour = row === 1 ? colours[column % 4] : colours[Math.floor(next() * 4)]
      const [x, y, size] = [column * 15 + 1 + next(), row * 12 + 1 + next() * 0.6, 12.4 + next() * 0.8]
      return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${size.toFixed(1)}" height="10" rx="1" fill="${colour}"/>`
    }),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 37" width="480" height="37">${tiles.join('')}</svg>`
}

export const strip = drawStrip()

export const style = `
h2 { margin: 0; font-size: 1.0625rem; font-weight: 650; line-height: 1.3; display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .75rem; }
.good { background: var(--good-ground); color: var(--good); }
p.good, .wide p.alert { margin-top: .75rem; padding: .75rem 1rem; border-radius: .5rem; font-size: .9375rem; }
.badge { padding: .1rem .6rem; border-radius: 1rem; font: 600 .8125rem/1.5 var(--sans); margin: 0; }
dl { margin: 0; }
dd { margin: 0; }
.facts { margin-top: 1.75rem; border-top: 1px solid var(--line); font-size: .9375rem; }
.facts > div { display: flex; gap: 1rem; padding: .55rem 0; border-bottom: 1px solid var(--line); }
.facts dt { flex: 0 0 4.5rem; color: var(--soft); }
p.actions { margin-top: 1.25rem; }
.strip { height: 2.3125rem; background: #0b2f35 url("strip.svg") left top / auto 100% repeat-x; }
@media (prefers-color-scheme: dark) { .strip { filter: brightness(.82) saturate(.92); } }
header, .wide { width: 100%; max-width: 76rem; margin-inline: auto; padding-inline: clamp(1.25rem, 4vw, 3rem); }
header { padding-block: 1.5rem 0; }
.wordmark small { color: var(--soft); font-weight: 400; font-size: .9375rem; letter-spacing: 0; margin-left: .25rem; }
.wide { padding-block: 2.5rem 4rem; }
.wide .lead { margin-top: .35rem; }
.wide > .actions { margin-top: 1.5rem; }
.wide > .actions > .button { flex: none; }
.panels, .panels-side { display: grid; gap: 1.25rem; align-items: start; min-width: 0; }
.panels { margin-top: 2rem; }
@media (min-width: 56rem) { .panels { grid-template-columns: 1fr 1fr; } }
.asked { margin-top: 1rem; }
.plain { background: var(--sunken); color: var(--soft); }
.panel { padding: 1.25rem clamp(1rem, 3vw, 1.4rem); border: 1px solid var(--line); border-radius: .75rem; background: var(--surface); box-shadow: var(--shadow); min-width: 0; }
.panel dl { margin-top: .85rem; font-size: .9rem; }
.panel dl > div { display: grid; grid-template-columns: minmax(7.4rem, 34%) 1fr; gap: .7rem; padding: .45rem 0; border-top: 1px solid var(--line); }
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
summary b { font-weight: 600; min-width: 12rem; }
summary code { color: var(--soft); flex: 1 1 12rem; }
.exchange { display: grid; gap: 1px; background: var(--line); border-top: 1px solid var(--line); }
@media (min-width: 56rem) { .wide .exchange:has(pre + pre) { grid-template-columns: 1fr 1fr; } }
pre {
  margin: 0; padding: 1rem 1.25rem; background: var(--sunken); min-width: 0; max-height: 26rem; overflow: auto;
  font: .8125rem/1.6 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere;
}
pre:focus-visible { outline-offset: -3px; }
`
