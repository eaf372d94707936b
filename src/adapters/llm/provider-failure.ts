/** How a call to a provider can fail before its format matters. */
import { cleanMessage } from './error-shapes.ts'

export class ProviderFailure extends Error {
  override name = 'ProviderFailure'
  readonly kind: 'tcp_connect_timeout' | 'request_timeout' | 'network_error' | 'client_disconnect'
  constructor(kind: ProviderFailure['kind'], message: string) {
    super(cleanMessage(message))
    this.kind = kind
  }
}
