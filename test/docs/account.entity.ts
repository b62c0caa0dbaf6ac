/** The entity that the documents speak of. */
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Account {
  @PrimaryColumn('varchar')
  id = '';

  @Column('int')
  cents = 0;
}
