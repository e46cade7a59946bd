// The tests run on the TypeScript sources; generated code stands beside them.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const folder = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: {
      '#proto': folder('generated/proto/tessera'),
      '#prisma': folder('generated/prisma'),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global_setup.ts'],
    setupFiles: ['test/support/each_file.ts'],
    // A process for each file would load all sources anew each time, which took as long as half of the tests.
    isolate: false,
    // Events are waited for; how long a busy machine takes to bring them about says nothing.
    expect: { poll: { timeout: 20_000, interval: 20 } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
