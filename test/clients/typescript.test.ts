// The package for TypeScript, clients/typescript: with Koa, Express and gRPC.
import { describeLocalDecisions } from './local_decisions.js'
import { typescript } from './typescript_resource_server.js'
import { describeWithServer } from './with_server.js'

describeLocalDecisions(typescript)
describeWithServer(typescript)
