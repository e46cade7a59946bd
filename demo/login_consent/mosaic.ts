// The pictures that are served as files: the mark, and the mosaic beside the page.
import { mark } from './page.js'

export const markFile = mark.markup.replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" ')

const width = 720
const height = 1080
const tile = 30
const gap = 4

/** Colours of the rings, from the centre outward; each tile takes one of its ring's. */
const sea = ['#155058', '#1a5f67', '#1d6c73', '#227a80']
const deep = ['#0f3d45', '#12464e', '#155058']
const bone = ['#efe5d3', '#e6d9c2', '#f4ecdd']
const clay = ['#d9694a', '#cf5f42', '#e07b5b']
const ochre = ['#e3ac4f', '#dba143', '#ecbd6c']
const rings: readonly (readonly string[])[] = [
  ...[ochre, ochre, ochre, clay, clay, bone, deep, sea, sea, sea, bone, sea, sea, deep, deep, clay, ochre, bone],
  ...[deep, sea, sea, sea, sea, deep, bone, deep, sea, sea, sea, clay, deep, deep, sea, sea, sea, sea, deep, deep],
]

/** A fixed sequence of numbers from 0 to 1, so that a picture is the same each time. */
export function* sequence(): Generator<number, never> {
  for (let value = 0x2545; ; ) {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0
    yield value / 2 ** 32
  }
}

/** The mosaic: rings of tiles about a point at the lower left, as pavers lay them. */
function drawArtwork(): string {
  const numbers = sequence()
  const next = () => numbers.next().value
  const paths = new Map<string, string>()
  rings.forEach((colours, ring) => {
    const inner = 40 + ring * (tile + gap)
    const count = Math.round(((inner + tile / 2) * Math.PI) / 2 / (tile + gap))
    for (let index = 0; index < count; index++) {
      const step = Math.PI / 2 / count
      const from = index * step + gap / 2 / (inner + tile / 2)
      const to = (index + 1) * step - gap / 2 / (inner + tile / 2)
      const corner = (radius: number, angle: number) => {
        const x = Math.round(radius * Math.cos(angle) + (next() - 0.5) * 3)
        const y = Math.round(height - radius * Math.sin(angle) + (next() - 0.5) * 3)
        return [x, y] as const
      }
      const corners = [corner(inner, from), corner(inner + tile, from), corner(inner + tile, to), corner(inner, to)]
      const colour = colours[Math.floor(next() * colours.length)] ?? ''
      if (corners.every(([x, y]) => x > width || y < 0)) continue
      paths.set(colour, `${paths.get(colour) ?? ''}M${corners.map((point) => point.join(' ')).join('L')}z`)
    }
  })
  const drawn = [...paths].map(([colour, path]) => `<path fill="${colour}" d="${path}"/>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" preserveAspectRatio="xMinYMax slice">${drawn.join('')}</svg>`
}

export const artwork = drawArtwork()
