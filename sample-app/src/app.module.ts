/** One instance of the application: data, locks beside it, routes and a cron. */
import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { DistributedLockModule } from 'nestjs-distributed-lock';
import { DataSource } from 'typeorm';
import { INSTANCE_CONFIG, type InstanceConfig } from './instance-config.js';
import { Progress } from './resources/progress.js';
import { ResourceController } from './resources/resource.controller.js';
import { ResourceService } from './resources/resource.service.js';
import { StockTaking } from './resources/stock-taking.js';
import { dataSourceOptions, lockDriver } from './store.js';

@Module({})
class DataModule implements OnApplicationShutdown {
  constructor(private readonly dataSource: DataSource) {}

  static with(config: InstanceConfig): DynamicModule {
    const useFactory = (): Promise<DataSource> =>
      new DataSource(dataSourceOptions(config.store)).initialize();
    return {
      module: DataModule,
      global: true,
      providers: [{ provide: DataSource, useFactory }],
      exports: [DataSource],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dataSource.destroy();
  }
}

@Module({})
export class AppModule {
  static with(config: InstanceConfig): DynamicModule {
    const { store, ttlMs, waitMs } = config;
    return {
      module: AppModule,
      imports: [
        ScheduleModule.forRoot(),
        DataModule.with(config),
        DistributedLockModule.forRootAsync({
          inject: [DataSource],
          useFactory: (dataSource: DataSource) => ({
            driver: lockDriver(store, dataSource),
            defaults: { ttlMs, waitMs },
          }),
        }),
      ],
      controllers: [ResourceController],
      providers: [
        { provide: INSTANCE_CONFIG, useValue: config },
        Progress,
        ResourceService,
        StockTaking,
      ],
    };
  }
}
