// Which of the three Prisma schemas a `prisma` command works on: PRISMA_SERVICE is client, consent or token.
import { defineConfig } from 'prisma/config'

export default defineConfig({ schema: `${process.env.PRISMA_SERVICE ?? 'token'}/schema.prisma` })
