/** Ostium's operations, in the contract's order. */
import type { Operation } from '../operation.ts'
import type { OstiumParts } from './access.ts'
import { agentPending, agentPublic, agentRemove } from './agent/look-ups.ts'
import { revokeAgent } from './agent/revoke.ts'
import { verifyAgent } from './agent/verify.ts'
import { authCancel, authVerifyCancel } from './auth/cancel.ts'
import { authCreate, createAgent } from './auth/create.ts'
import { authRevoke, authVerifyRevoke } from './auth/revoke.ts'
import { authVerify } from './auth/verify-auth.ts'
import { usdcBalance } from './balance.ts'
import { getOpenApi, getOpenApiJson, getOpenApiYaml } from './documents.ts'
import { cancel } from './exchange/cancel.ts'
import { close } from './exchange/close.ts'
import { modify } from './exchange/modify.ts'
import { open } from './exchange/open.ts'
import { updateMargin } from './exchange/update-margin.ts'
import { getExchangeHealth, getHealth } from './health.ts'
import { marketStream } from './sockets/market-stream.ts'
import { exchangeWebSocket } from './sockets/trade-socket.ts'

export const operations: readonly Operation<OstiumParts>[] = [
  ...[getHealth, getExchangeHealth, getOpenApi, getOpenApiJson, getOpenApiYaml],
  ...[open, exchangeWebSocket, close, cancel, modify, updateMargin],
  ...[authCreate, authVerify, authCancel, authVerifyCancel, authRevoke, authVerifyRevoke],
  ...[createAgent, verifyAgent, revokeAgent, agentPending, agentPublic, agentRemove],
  ...[marketStream, usdcBalance],
]
