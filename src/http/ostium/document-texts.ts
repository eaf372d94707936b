/** The document of this API as texts, made once. */
import { stringify } from 'yaml'
import { documentOf } from '../document.ts'
import { ostium } from './api.ts'

export function documentTexts(): { json: string; yaml: string } {
  const json = JSON.stringify(documentOf(ostium))
  return { json, yaml: stringify(JSON.parse(json), { aliasDuplicateObjects: false }) }
}
