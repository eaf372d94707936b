/** The document of this API in its two forms, each made at its first request. */
import { stringify } from 'yaml'
import type { FixedBody } from '../answers.ts'
import { documentOf } from '../document.ts'
import { fixedText } from '../fixed-text.ts'
import { ostium } from './api.ts'

export function documentTexts(): { json: FixedBody; yaml: FixedBody } {
  const json = () => JSON.stringify(documentOf(ostium))
  const yaml = () => stringify(JSON.parse(json()), { aliasDuplicateObjects: false })
  return {
    json: fixedText(json, { 'content-type': 'application/json' }),
    yaml: fixedText(yaml, { 'content-type': 'text/yaml; charset=utf-8' }),
  }
}
