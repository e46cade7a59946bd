// Bar charts as SVG: one group of bars for each scenario, one bar for each server; readable on light and on dark pages.

export interface Bar {
  readonly label: string
  /** Parts from left to right. */
  readonly parts: readonly number[]
}

export interface Group {
  readonly title: string
  readonly bars: readonly Bar[]
}

export interface Chart {
  readonly title: string
  readonly unit: string
  /** What the parts are, in their order. */
  readonly legend: readonly string[]
  readonly groups: readonly Group[]
}

const width = 820
const left = 210
const right = 90
const barHeight = 16
const groupGap = 18
const top = 64

const fills = ['#7c3aed', '#c4a7f5']
const ink = '#808089'

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const format = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 0 : 1)

export function drawBars({ title, unit, legend, groups }: Chart): string {
  const sum = ({ parts }: Bar) => parts.reduce((total, part) => total + part, 0)
  const elements: string[] = []
  let y = top
  for (const { title: name, bars } of groups) {
    // Each group has a scale of its own: from a published document to a whole login is a factor of a hundred.
    const scale = (width - left - right) / Math.max(...bars.map(sum))
    elements.push(`<text x="0" y="${y + 12}" font-weight="600">${escapeXml(name)}</text>`)
    y += barHeight + 4
    for (const bar of bars) {
      elements.push(...drawBar(bar, y, scale, `${format(sum(bar))} ${unit}`))
      y += barHeight + 4
    }
    y += groupGap
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="system-ui, sans-serif" font-size="12" fill="${ink}" role="img" aria-label="${escapeXml(title)}">
<text x="0" y="18" font-size="16" font-weight="600">${escapeXml(title)}</text>
${drawLegend(legend)}
${elements.join('\n')}
</svg>
`
}

function drawBar({ label, parts }: Bar, y: number, scale: number, told: string): string[] {
  let x = left
  const rects = parts.map((part, index) => {
    const rect = `<rect x="${x.toFixed(1)}" y="${y}" width="${(part * scale).toFixed(1)}" height="${barHeight}" fill="${fills[index % fills.length]}"/>`
    x += part * scale
    return rect
  })
  const baseline = y + barHeight - 4
  return [
    `<text x="${left - 8}" y="${baseline}" text-anchor="end">${escapeXml(label)}</text>`,
    ...rects,
    `<text x="${(x + 6).toFixed(1)}" y="${baseline}">${escapeXml(told)}</text>`,
  ]
}

const drawLegend = (legend: readonly string[]): string =>
  legend
    .map((name, index) => {
      const x = index * 130
      return `<rect x="${x}" y="32" width="12" height="12" fill="${fills[index % fills.length]}"/><text x="${x + 18}" y="42">${escapeXml(name)}</text>`
    })
    .join('\n')
