/** Keys of killatamata's requests. */
import type { RequestKeyEvent } from '../../events/killatamata/request-key.ts'
import { requestKeysOf } from '../request-key.ts'

export const requestKeyUse = requestKeysOf<RequestKeyEvent>('killatamata.requestKey', 'killatamata.RequestKeyUsed.v1')
