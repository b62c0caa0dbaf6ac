/** What takes a minute to create, and must exist once. */
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('lock_race_resource')
export class ResourceEntity {
  @PrimaryColumn({ type: 'varchar', length: 200 })
  id!: string;

  /** The instance that created it. */
  @Column({ type: 'varchar', length: 200 })
  createdBy!: string;

  /** `main`, or `spare` when the one before failed in a way that can be worked around. */
  @Column({ type: 'varchar', length: 20 })
  supplier!: string;
}
