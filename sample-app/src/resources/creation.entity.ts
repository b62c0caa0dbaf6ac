/** The log of creations: more than one row for a resource is the bug that the lock prevents. */
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('lock_race_creation')
export class CreationEntity {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'varchar', length: 200 })
  resourceId!: string;

  @Column({ type: 'varchar', length: 200 })
  instance!: string;

  /** Milliseconds since 1970, by the clock of the instance. */
  @Column({ type: 'varchar', length: 20 })
  at!: string;

  /** The fencing token of the lock that protected it; `null` without a lock. */
  @Column({ type: 'varchar', length: 20, nullable: true })
  token!: string | null;
}
