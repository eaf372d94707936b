/** A model of a picture: a relief whose height is the brightness, with the picture as its texture, in at most as many faces as asked. */
import { writeFile } from 'node:fs/promises'
import { Document, NodeIO } from '@gltf-transform/core'
import sharp from 'sharp'
import { inputOf, numberAt, outputPath, type Studio } from './studio.ts'

/** Of the relief, where a picture is 1 wide. */
const DEPTH = 0.25
const FACES_PER_CELL = 2
const BRIGHTEST = 255

/** Columns and rows of points, of the picture's shape, whose cells make at most so many faces. */
function gridOf(width: number, height: number, facesMax: number) {
  const cells = facesMax / FACES_PER_CELL
  const columns = Math.max(1, Math.floor(Math.sqrt((cells * width) / height)))
  const rows = Math.max(1, Math.floor(cells / columns))
  return { columns: columns + 1, rows: rows + 1 }
}

export async function renderModel(studio: Studio): Promise<void> {
  const path = inputOf(studio, 'sourceImage')?.path ?? ''
  const picture = sharp(path).rotate().flatten()
  const { data: small, info } = await picture
    .clone()
    .resize(64, 64, { fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { columns, rows } = gridOf(info.width, info.height, numberAt(studio, 'targetFaceCount'))
  if (small.length === 0) throw new Error('the picture is empty')
  const heights = await picture.clone().grayscale().resize(columns, rows, { fit: 'fill' }).raw().toBuffer()
  const side = numberAt(studio, 'textureSize')
  const texture = await picture.clone().resize(side, side, { fit: 'fill' }).png().toBuffer()
  const aspect = info.height / info.width
  const [positions, places] = [new Float32Array(columns * rows * 3), new Float32Array(columns * rows * 2)]
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const point = row * columns + column
      const [u, v] = [column / (columns - 1), row / (rows - 1)]
      positions.set([u - 0.5, (0.5 - v) * aspect, ((heights[point] ?? 0) / BRIGHTEST) * DEPTH], point * 3)
      places.set([u, v], point * 2)
    }
  }
  const indices = new Uint32Array((columns - 1) * (rows - 1) * 6)
  for (let row = 0, at = 0; row < rows - 1; row++) {
    for (let column = 0; column < columns - 1; column++, at += 6) {
      const a = row * columns + column
      indices.set([a, a + columns, a + 1, a + 1, a + columns, a + columns + 1], at)
    }
  }
  await writeFile(outputPath(studio), await glb({ positions, places, indices, texture }))
}

interface Mesh {
  positions: Float32Array<ArrayBuffer>
  places: Float32Array<ArrayBuffer>
  indices: Uint32Array<ArrayBuffer>
  texture: Uint8Array
}

async function glb({ positions, places, indices, texture }: Mesh): Promise<Uint8Array> {
  const document = new Document()
  const buffer = document.createBuffer()
  const accessor = (type: 'VEC3' | 'VEC2' | 'SCALAR', array: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>) =>
    document.createAccessor().setType(type).setArray(array).setBuffer(buffer)
  const image = document.createTexture('picture').setImage(texture).setMimeType('image/png')
  const material = document.createMaterial('surface').setBaseColorTexture(image).setMetallicFactor(0)
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('VEC3', positions))
    .setAttribute('TEXCOORD_0', accessor('VEC2', places))
    .setIndices(accessor('SCALAR', indices))
    .setMaterial(material)
  const node = document.createNode('relief').setMesh(document.createMesh('relief').addPrimitive(primitive))
  document.createScene('model').addChild(node)
  return new NodeIO().writeBinary(document)
}
