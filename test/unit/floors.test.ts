// The lowest versions of libraries that past weaknesses allow (ADV-L1 to ADV-L10), against what is installed.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const floors: Record<string, [floor: string, why: string]> = {
  '@grpc/grpc-js': ['1.14.5', 'GHSA-5375-pq7m-f5r2, GHSA-99f4-grh7-6pcq, GHSA-m9gg-hp2v-232j, GHSA-f596-whhp-79r4'],
  koa: ['3.1.2', 'CVE-2026-27959, CVE-2025-32379'],
  jose: ['5.0.0', 'GHSA-jv3g-j58f-9mq9, GHSA-hhhv-q57g-882q'],
}

const numbersOf = (version: string) => version.split('.').map((part) => Number.parseInt(part, 10))

function isAtLeast(version: string, floor: string): boolean {
  const [have, want] = [numbersOf(version), numbersOf(floor)]
  for (let index = 0; index < 3; index++) {
    const difference = (have[index] ?? 0) - (want[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

it.each(Object.entries(floors))('%s is at least %s', (name, [floor, why]) => {
  const manifest = fileURLToPath(new URL(`../../node_modules/${name}/package.json`, import.meta.url))
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'))
  expect(isAtLeast(version, floor), `${name} ${version}: ${why}`).toBe(true)
})
